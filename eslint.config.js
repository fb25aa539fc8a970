// Lint rules: typescript-eslint's strictest set, plus the import rules of docs/architecture.md.
import tseslint from 'typescript-eslint'

/** Each source folder and the folders it may import from (besides itself); imports go down only. */
const MAY_IMPORT = {
  'src/api': [],
  'src/kafka': ['src/api'],
  'src/converters': ['src/api'],
  'src/inference': ['src/api'],
  'src/runtime': [
    'src/api',
    'src/kafka',
    'src/converters',
    'src/inference',
    'connectors/index.ts',
    'transforms/index.ts',
  ],
  'src/worker': [
    'src/api',
    'src/kafka',
    'src/converters',
    'src/inference',
    'src/runtime',
    'connectors/index.ts',
    'transforms/index.ts',
  ],
  'src/rest': ['src/api', 'src/worker'],
  'src/registry': ['src/api', 'src/kafka'],
  'src/dev': ['src/api', 'src/kafka', 'src/registry', 'src/rest', 'src/worker', 'src/runtime'],
  connectors: [],
  transforms: [],
}

/** Third-party packages and the one folder that imports each. */
const PACKAGE_HOME = {
  '@platformatic/kafka': 'src/kafka',
  avsc: 'src/converters',
  convict: 'src/worker',
  commander: 'src/cli',
  'onnxruntime-node': 'src/inference',
  sharp: 'src/inference',
}

const FOLDERS = [
  'src/api',
  'src/kafka',
  'src/converters',
  'src/inference',
  'src/runtime',
  'src/worker',
  'src/rest',
  'src/registry',
  'src/dev',
  'src/cli',
  'connectors',
  'transforms',
]

/** The `no-restricted-imports` patterns that keep one folder to what MAY_IMPORT allows. */
function importRules(folder) {
  const allowed = MAY_IMPORT[folder]
  const foreign =
    allowed === undefined
      ? []
      : FOLDERS.filter((other) => other !== folder && !allowed.some((a) => a.startsWith(other)))
  const patterns = foreign.map((other) => {
    const name = other.replace('src/', '')
    return {
      regex: `^\\.\\./(.*/)?${name}/`,
      message: `${folder} may not import ${other} (docs/architecture.md).`,
    }
  })
  const packages = Object.entries(PACKAGE_HOME)
    .filter(([, home]) => home !== folder)
    .map(([name, home]) => ({ name, message: `${name} is imported by ${home} only.` }))
  return { 'no-restricted-imports': ['error', { patterns, paths: packages }] }
}

export default tseslint.config(
  { ignores: ['node_modules', 'dist', 'bench/jvm-peer', 'models', '.sluice', '**/*.d.ts'] },
  ...tseslint.configs.strictTypeChecked.map((c) => ({ ...c, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-depth': ['error', 4],
      'max-params': ['error', 5],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off', // typed-array hot loops under noUncheckedIndexedAccess
      '@typescript-eslint/prefer-literal-enum-member': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  ...FOLDERS.map((folder) => ({ files: [`${folder}/**/*.ts`], rules: importRules(folder) })),
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },
)
