import type { Classes } from '../../scores/class-scores.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import { notUnderstood, PojoLexer } from './pojo-lexer.ts'
import type { PojoHead } from './pojo-head.ts'
import { type PojoActivation, type PojoLayer, type PojoUnits, scorePojoNetwork } from './pojo-network.ts'
import type { PojoClass, PojoSource } from './pojo-source.ts'
import { PojoStatements } from './pojo-statements.ts'
import { classesOf, findClass, numbersIn, numbersOf, readNumber } from './pojo-values.ts'

/** The loops of a layer's product; `i` is the layer. */
const PRODUCT = [
  'intcols=ACTIVATION[i-1].length;introws=ACTIVATION[i].length;intextra=cols-cols%8;intmultiple=(cols/8)*8-1;intidx=0;',
  'float[]a=WEIGHT[i];double[]x=ACTIVATION[i-1];double[]y=BIAS[i];double[]res=ACTIVATION[i];',
  'for(introw=0;row<rows;++row){doublepsum0=0,psum1=0,psum2=0,psum3=0,psum4=0,psum5=0,psum6=0,psum7=0;',
  'for(intcol=0;col<multiple;col+=8){intoff=idx+col;psum0+=a[off]*x[col];',
  ...[1, 2, 3, 4, 5, 6, 7].map((k) => `psum${k}+=a[off+${k}]*x[col+${k}];`),
  '}res[row]+=psum0+psum1+psum2+psum3;res[row]+=psum4+psum5+psum6+psum7;',
  'for(intcol=extra;col<cols;col++)res[row]+=a[idx+col]*x[col];res[row]+=y[row];idx+=cols;}',
].join('')
const MAXOUT_CHANNELS = [
  'double[]channel=newdouble[_k];for(intr=0;r<ACTIVATION[i].length;++r){',
  'finalintcols=ACTIVATION[i-1].length;shortmaxK=0;for(shortk=0;k<_k;++k){channel[k]=0;',
  'for(intc=0;c<cols;++c){channel[k]+=WEIGHT[i][_k*(r*cols+c)+k]*ACTIVATION[i-1][c];}',
  'channel[k]+=BIAS[i][_k*r+k];if(channel[k]>channel[maxK])maxK=k;}ACTIVATION[i][r]=channel[maxK];',
].join('')
const SOFTMAX = [
  'doublemax=ACTIVATION[i][0];for(intr=1;r<ACTIVATION[i].length;r++){',
  'if(ACTIVATION[i][r]>max)max=ACTIVATION[i][r];}doublescale=0;for(intr=0;r<ACTIVATION[i].length;r++){',
  'ACTIVATION[i][r]=Math.exp(ACTIVATION[i][r]-max);scale+=ACTIVATION[i][r];}',
  'for(intr=0;r<ACTIVATION[i].length;r++){if(Double.isNaN(ACTIVATION[i][r]))',
  'thrownewRuntimeException("Numerical instability, predicted NaN.");',
  'ACTIVATION[i][r]/=scale;preds[r+1]=ACTIVATION[i][r];}',
].join('')
const RECONSTRUCTION =
  'for(intr=0;r<ACTIVATION[i].length;r++){if(Double.isNaN(ACTIVATION[i][r]))thrownewRuntimeException("Numerical instability, reconstructed NaN.");preds[r]=ACTIVATION[i][r];}'

/** A network's POJO: the statements of score0 say how rows become units and which activations there are. */
export function readPojoDeepLearning(pojo: PojoSource, head: PojoHead): LoadedModel {
  const statements = new PojoStatements(pojo, 'score0')
  const units = readUnits(pojo, head, statements)
  const hidden = readLoop(statements, head)
  const response =
    head.labels.length > 0 || head.isAutoencoder ? (x: number) => x : readResponse(pojo, statements)
  if (head.labels.length > 0) statements.expect(SOFTMAX)
  else if (head.isAutoencoder) readReconstruction(statements)
  statements.expect('}}')
  let threshold: number | null = null
  let classes: Classes | null = { labels: head.labels, balance: null, prior: null }
  if (head.isAutoencoder) classes = null
  else if (head.labels.length === 0) statements.expect('preds[0]=preds[1];')
  else {
    const decided = statements.decision(pojo, head.labels.length)
    threshold = head.labels.length === 2 ? decided.threshold : null
    const prior = numbersOf(pojo, pojo.model, 'PRIOR_CLASS_DISTRIB')
    classes = { labels: head.labels, balance: decided.balance, prior }
  }
  statements.expect('returnpreds;')
  statements.end()
  const layers = readLayers(pojo, head, { units, hidden })
  const network = { units, layers, classes, response }
  return {
    ...head.shared,
    algorithm: head.isAutoencoder ? 'autoencoder' : 'deeplearning',
    decision: threshold === null ? null : { threshold, thresholdClass: head.labels[1] ?? '' },
    facts: {
      ...head.facts,
      layers: [layers[0]?.inputs, ...layers.map(({ outputs }) => outputs)].join('-'),
      activation: hidden.activation,
      'missing category': units.missing === 'last' ? 'a unit of its own' : 'no unit is set',
      ...(classes?.balance == null ? {} : { probabilities: 'corrected to the prior (balance_classes)' }),
    },
    score: (columns, length, decision) => scorePojoNetwork(network, columns, { length, decision }),
  }
}

/** The first part of score0: from `data` to ACTIVATION[0]. */
function readUnits(pojo: PojoSource, head: PojoHead, statements: PojoStatements): PojoUnits {
  const { inputs } = head
  const count = inputs.filter(({ type }) => type === 'categorical').length
  const numbers = inputs.length - count
  if (inputs.slice(0, count).some(({ type }) => type === 'numeric')) {
    throw statements.fail('the categories do not come before the numbers')
  }
  statements.expect('java.util.Arrays.fill(preds,0);')
  if (numbers > 0) statements.expect('java.util.Arrays.fill(NUMS,0);')
  if (count > 0) statements.expect('java.util.Arrays.fill(CATS,0);')
  statements.expect('inti=0,ncats=0;')
  const categories = count > 0 ? readCategories(statements, count) : CATEGORIES[0]
  const isStandardised = numbers > 0 && readNumbers(statements, count)
  statements.expect('java.util.Arrays.fill(ACTIVATION[0],0);')
  if (count > 0) {
    const set = 'ACTIVATION[0][CATS[i]]=1;'
    const isGuarded = statements.choose(
      `for(i=0;i<ncats;++i)${set}`,
      `for(i=0;i<ncats;++i){if(CATS[i]>=0)${set}}`,
    )
    if (isGuarded === 0 && categories === GUARDED) throw statements.fail('CATS[i] may be negative here')
  }
  if (numbers > 0) {
    statements.expect(
      'for(i=0;i<NUMS.length;++i){ACTIVATION[0][CATOFFSETS[CATOFFSETS.length-1]+i]=Double.isNaN(NUMS[i])?0:NUMS[i];}',
    )
  }
  const part = (name: string) => numbersIn(pojo, findClass(pojo, pojo.model, name), 'double')
  const [subtract, multiply] = isStandardised ? [part('NORMSUB'), part('NORMMUL')] : [null, null]
  if (isStandardised && (subtract?.length !== numbers || multiply?.length !== numbers)) {
    throw statements.fail('the standardisation does not fit the columns')
  }
  const offsets = numbersOf(pojo, pojo.model, 'CATOFFSETS') ?? [0]
  checkOffsets(pojo, head, { offsets, count, isLeftOut: categories.firstLevel !== 'own' })
  return { offsets, ...categories, numbers, subtract, multiply }
}

/** What each way of writing the loop over categories makes of level 0 and of what is missing; in the order of `readCategories`. */
const GUARDED = { firstLevel: 'none', missing: 'last' } as const
const CATEGORIES = [
  { firstLevel: 'own', missing: 'none' },
  { firstLevel: 'none', missing: 'none' },
  { firstLevel: 'own', missing: 'last' },
  { firstLevel: 'first', missing: 'last' },
  GUARDED,
] as const

function readCategories(
  statements: PojoStatements,
  count: number,
): Pick<PojoUnits, 'firstLevel' | 'missing'> {
  statements.expect(`for(;i<${count};++i){if(!Double.isNaN(data[i])){intc=(int)data[i];`)
  const missing = '}else{CATS[ncats]=CATOFFSETS[i+1]-1;}ncats++;}'
  const found = statements.choose(
    'CATS[ncats++]=c+CATOFFSETS[i];}}',
    'if(c!=0)CATS[ncats++]=c+CATOFFSETS[i]-1;}}',
    `CATS[ncats]=c+CATOFFSETS[i];${missing}`,
    `if(c!=0)CATS[ncats]=c+CATOFFSETS[i]-1;${missing}`, // level 0 leaves the 0 that CATS was filled with
    `if(c!=0){CATS[ncats]=c+CATOFFSETS[i]-1;}else{CATS[ncats]=-1;}${missing}`,
  )
  return CATEGORIES[found]!
}

/** True where the numbers are standardised. */
function readNumbers(statements: PojoStatements, count: number): boolean {
  const i = count > 0 ? `i-${count}` : 'i'
  statements.expect(`finalintn=data.length;for(;i<n;++i){NUMS[${i}]=Double.isNaN(data[i])?0:`)
  const scaled = `(data[i]-NORMSUB.VALUES[${i}])*NORMMUL.VALUES[${i}];}`
  return statements.choose(scaled, 'data[i];}') === 0
}

function checkOffsets(
  pojo: PojoSource,
  { inputs }: PojoHead,
  { offsets, count, isLeftOut }: { offsets: readonly number[]; count: number; isLeftOut: boolean },
): void {
  const isRight =
    offsets.length === count + 1 &&
    offsets[0] === 0 &&
    offsets.slice(1).every((end, i) => {
      const levels = (inputs[i]?.domain?.length ?? 0) - (isLeftOut ? 1 : 0)
      return Number.isInteger(end) && end - offsets[i]! >= Math.max(1, levels)
    })
  if (!isRight)
    throw notUnderstood(pojo.source, pojo.model.at, 'CATOFFSETS do not fit the columns and their levels')
}

interface Hidden {
  readonly activation: PojoActivation
  /** Null where there is no dropout. */
  readonly dropout: 'keep' | 'drop' | null
}

/** The second part: the layers, up to what is made of the last one. */
function readLoop(statements: PojoStatements, { isAutoencoder }: PojoHead): Hidden {
  statements.expect('for(i=1;i<ACTIVATION.length;++i){java.util.Arrays.fill(ACTIVATION[i],0);')
  const isHidden = `if(i<${isAutoencoder ? '=' : ''}ACTIVATION.length-1){`
  const isMaxout = !isAutoencoder && statements.take('int_k=2;')
  let activation: PojoActivation = 'maxout'
  if (isMaxout) statements.expect(`${isHidden}${MAXOUT_CHANNELS}`)
  else {
    statements.expect(`${PRODUCT}${isHidden}for(intr=0;r<ACTIVATION[i].length;++r){`)
    const tanh = 'ACTIVATION[i][r]=1-2/(1+Math.exp(2*ACTIVATION[i][r]));'
    activation =
      statements.choose('ACTIVATION[i][r]=Math.max(0,ACTIVATION[i][r]);', tanh) === 0 ? 'rectifier' : 'tanh'
  }
  const hasDropout = statements.take('if(i<ACTIVATION.length-1){ACTIVATION[i][r]*=')
  const dropped = hasDropout
    ? statements.choose('1-HIDDEN_DROPOUT_RATIOS[i-1];}', 'HIDDEN_DROPOUT_RATIOS[i-1];}')
    : -1
  statements.expect('}}')
  if (isMaxout) statements.expect(`if(i==ACTIVATION.length-1){${PRODUCT}}`)
  statements.expect('if(i==ACTIVATION.length-1){')
  return { activation, dropout: dropped < 0 ? null : dropped === 0 ? 'drop' : 'keep' }
}

/** What a regression makes of the output unit. */
function readResponse(pojo: PojoSource, statements: PojoStatements): (output: number) => number {
  const isScaled =
    statements.choose(
      'preds[1]=(ACTIVATION[i][0]/NORMRESPMUL[0]+NORMRESPSUB[0]);',
      'preds[1]=ACTIVATION[i][0];',
    ) === 0
  const [multiply] = (isScaled ? numbersOf(pojo, pojo.model, 'NORMRESPMUL') : null) ?? []
  const [subtract] = (isScaled ? numbersOf(pojo, pojo.model, 'NORMRESPSUB') : null) ?? []
  if (isScaled && (multiply === undefined || subtract === undefined)) {
    throw statements.fail('the scale of the response is missing')
  }
  const link = statements.link('preds[1]')
  statements.expect('if(Double.isNaN(preds[1]))thrownewRuntimeException("Predicted regression target NaN!");')
  const scale = (x: number) =>
    multiply === undefined || subtract === undefined ? x : x / multiply + subtract
  if (link === 'log') return (x) => Math.min(1e19, Math.exp(scale(x)))
  return link === 'logit' ? (x) => 1 / (1 + Math.min(1e19, Math.exp(-scale(x)))) : scale
}

/** The last units are given back unstandardised, which the error of the reconstruction does not use. */
function readReconstruction(statements: PojoStatements): void {
  statements.expect(RECONSTRUCTION)
  const k = String.raw`preds\[k\]`
  const norm = (name: string) => String.raw`${name}\.VALUES\[k-\d+\]`
  statements.match(
    new RegExp(
      String.raw`for\(intk=\d+;k<\d+;\+\+k\)\{${k}=${k}/${norm('NORMMUL')}\+${norm('NORMSUB')};\}`,
      'y',
    ),
  )
}

function readLayers(
  pojo: PojoSource,
  head: PojoHead,
  { units, hidden }: { units: PojoUnits; hidden: Hidden },
): PojoLayer[] {
  const { model, source } = pojo
  const sizes = readSizes(pojo)
  const weights = classesOf(pojo, model, 'WEIGHT')
  const biases = classesOf(pojo, model, 'BIAS')
  const ratios = hidden.dropout === null ? [] : (numbersOf(pojo, model, 'HIDDEN_DROPOUT_RATIOS') ?? [])
  const inputs = (units.offsets.at(-1) ?? 0) + units.numbers
  const outputs = head.isAutoencoder ? inputs : Math.max(1, head.labels.length)
  if (sizes.length < 2 || sizes[0] !== inputs || sizes.at(-1) !== outputs) {
    const what = `layers of ${sizes.join('-')} do not fit ${inputs} input units and ${outputs} outputs`
    throw notUnderstood(source, model.at, what)
  }
  return sizes.slice(1).map((size, i): PojoLayer => {
    const isLast = i === sizes.length - 2
    const activation = isLast && !head.isAutoencoder ? 'none' : hidden.activation
    const channels = activation === 'maxout' ? 2 : 1
    const before = sizes[i]!
    const [w, b] = [weights[i + 1], biases[i + 1]]
    const layerWeights = w == null ? null : numbersIn(pojo, w, 'float')
    const layerBiases = b == null ? null : numbersIn(pojo, b, 'double')
    if (layerWeights?.length !== before * size * channels || layerBiases?.length !== size * channels) {
      throw notUnderstood(source, model.at, `layer ${i + 1} lacks weights or biases`)
    }
    const ratio = isLast ? undefined : ratios[i]
    const scale = ratio === undefined ? 1 : hidden.dropout === 'drop' ? 1 - ratio : ratio
    return { inputs: before, outputs: size, weights: layerWeights, biases: layerBiases, activation, scale }
  })
}

/** `ACTIVATION = new double[][] {new double[130], …}`, or classes that hold such arrays (H2O 3.10): the units of each layer. */
function readSizes(pojo: PojoSource): number[] {
  const { model } = pojo
  const field = model.fields.get('ACTIVATION')
  if (field === undefined) throw notUnderstood(pojo.source, model.at, 'the field ACTIVATION is missing')
  const lexer = new PojoLexer(pojo.source, field.at)
  lexer.expect('new', 'double', '[', ']', '[', ']', '{')
  // What such a class fills in is overwritten with each row.
  if (!lexer.is('new')) return classesOf(pojo, model, 'ACTIVATION').map((holder) => sizeOf(pojo, holder))
  const sizes: number[] = []
  do {
    lexer.expect('new', 'double', '[')
    sizes.push(readNumber(lexer))
    lexer.expect(']')
  } while (lexer.take(','))
  lexer.expect('}')
  return sizes
}

function sizeOf(pojo: PojoSource, holder: PojoClass | null): number {
  return (holder === null ? null : numbersIn(pojo, holder, 'double'))?.length ?? 0
}
