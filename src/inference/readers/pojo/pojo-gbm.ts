import { chooseEngine } from '../../engines/choose-engine.ts'
import { type Feature, TreeBuilder, type TreeEnsemble, treeCount } from '../../engines/tree-ensemble.ts'
import { type GbmParameters, type Link, scoreGbm } from '../../scores/gbm-score.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import { notUnderstood, PojoLexer } from './pojo-lexer.ts'
import type { PojoHead } from './pojo-head.ts'
import type { PojoClass, PojoSource } from './pojo-source.ts'
import { PojoStatements } from './pojo-statements.ts'
import { PojoTreeReader } from './pojo-trees.ts'
import { findClass, numbersOf, readNumber } from './pojo-values.ts'

/** A GBM's POJO: forests of one tree per class are summed, then score0 makes predictions of the sums. */
export function readPojoGbm(pojo: PojoSource, head: PojoHead): LoadedModel {
  const statements = new PojoStatements(pojo, 'score0')
  statements.expect('java.util.Arrays.fill(preds,0);')
  const forests: PojoClass[] = []
  for (;;) {
    const call = statements.match(/([\w$]+)\.score0\(data,preds\);/y)
    if (call === null) break
    forests.push(findClass(pojo, pojo.model, call[1]!))
  }
  const trees = readForests(pojo, head, forests)
  const { parameters, threshold } = readTail(pojo, head, statements, trees)
  statements.expect('returnpreds;')
  statements.end()
  const engine = chooseEngine(trees)
  const [, second] = head.labels
  return {
    ...head.shared,
    algorithm: 'gbm',
    decision: threshold === null || second === undefined ? null : { threshold, thresholdClass: second },
    facts: {
      ...head.facts,
      link: parameters.link,
      trees: treeCount(trees),
      nodes: trees.feature.length,
      engine: engine.name,
      ...(parameters.balance === null ? {} : { probabilities: 'corrected to the prior (balance_classes)' }),
    },
    score: (columns, length, decision) => scoreGbm({ parameters, engine, decision }, columns, length),
  }
}

/** Which slot of preds[] the first sum goes to: classifiers keep 0 for the label. */
function readForests(pojo: PojoSource, head: PojoHead, forests: readonly PojoClass[]): TreeEnsemble {
  const classes = head.labels.length
  const first = classes > 0 ? 1 : 0
  const bySum: PojoClass[][] = []
  for (const forest of forests) {
    const body = forest.methods.get('score0')
    if (body === undefined) throw notUnderstood(pojo.source, forest.at, `${forest.name} has no method score0`)
    const lexer = new PojoLexer(pojo.source, body.from)
    while (!lexer.is('}')) {
      lexer.expect('preds', '[')
      const sum = readNumber(lexer) - first
      if (!(sum >= 0 && sum < Math.max(1, classes))) throw lexer.fail('a tree belongs to no class')
      lexer.expect(']', '+=')
      const tree = findClass(pojo, forest, lexer.read('name'))
      lexer.expect('.', 'score0', '(', 'fdata', ')', ';')
      while (bySum.length <= sum) bySum.push([])
      bySum[sum]?.push(tree)
    }
  }
  const features = head.inputs.map((input): Feature => input.domain?.length ?? 'numeric')
  const builder = new TreeBuilder(features)
  const reader = new PojoTreeReader(pojo, features, builder)
  if (bySum.length === 0) throw notUnderstood(pojo.source, pojo.model.at, 'the model has no tree')
  for (const trees of bySum) {
    builder.startOutput()
    for (const tree of trees) reader.read(tree)
  }
  return builder.build()
}

const NUMBER = String.raw`(-?[\d.]+(?:[eE]-?\d+)?)`

interface Tail {
  readonly kind: GbmParameters['kind']
  readonly link: Link
  readonly initF: number
}

function readTail(pojo: PojoSource, head: PojoHead, statements: PojoStatements, trees: TreeEnsemble) {
  const classes = head.labels.length
  const { kind, link, initF } = classes === 0 ? regression(statements) : classifier(statements, classes)
  const sums = kind === 'softmax' && classes > 2 ? classes : 1
  if (trees.outputs !== sums) throw statements.fail(`${trees.outputs} sums of trees do not fit`)
  const prior = numbersOf(pojo, pojo.model, 'PRIOR_CLASS_DISTRIB')
  const { balance, threshold } = classes === 0 ? NO_CLASSES : statements.decision(pojo, classes)
  const parameters: GbmParameters = {
    ...{ kind, link, labels: head.labels, initF, hasOffset: false },
    ...{ outputs: trees.outputs, balance, prior },
  }
  return { parameters, threshold: kind === 'logistic' || classes === 2 ? threshold : null }
}

const NO_CLASSES = { balance: null, threshold: null }

function regression(statements: PojoStatements): Tail {
  const initF = Number(statements.expect(new RegExp(String.raw`preds\[0\]\+=${NUMBER};`, 'y'))[1])
  return { kind: 'regression', link: statements.link('preds[0]'), initF }
}

function classifier(statements: PojoStatements, classes: number): Tail {
  const logistic = statements.match(new RegExp(String.raw`preds\[2\]=preds\[1\]\+${NUMBER};`, 'y'))
  if (logistic !== null && classes === 2) {
    const link = statements.link('preds[2]')
    statements.expect('preds[1]=1.0-preds[2];')
    return { kind: 'logistic', link, initF: Number(logistic[1]) }
  }
  let initF = 0
  if (classes === 2) {
    initF = Number(statements.expect(new RegExp(String.raw`preds\[1\]\+=${NUMBER};`, 'y'))[1])
    statements.expect('preds[2]=-preds[1];')
  }
  statements.expect('hex.genmodel.GenModel.GBM_rescale(preds);')
  return { kind: 'softmax', link: 'log', initF }
}
