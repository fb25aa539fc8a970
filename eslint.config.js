// Lint rules: typescript-eslint's strictest set, plus the import rules of docs/architecture.md.
import tseslint from 'typescript-eslint'

/** Each source folder and the folders it may import from (besides itself); imports go down only. */
const MAY_IMPORT = {
  'src/api': [],
  'src/access': ['src/api'],
  'src/tls': ['src/api'],
  'src/kafka': ['src/api', 'src/tls'],
  'src/converters': ['src/api', 'src/tls'],
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
    'src/access',
    'src/api',
    'src/tls',
    'src/kafka',
    'src/converters',
    'src/inference',
    'src/runtime',
    'connectors/index.ts',
    'transforms/index.ts',
  ],
  'src/rest': ['src/access', 'src/api', 'src/worker'],
  'src/registry': ['src/access', 'src/api', 'src/kafka'],
  'src/dev': ['src/api', 'src/kafka', 'src/registry', 'src/rest', 'src/worker', 'src/runtime'],
  'src/testing': ['src/api', 'src/kafka', 'src/converters', 'src/runtime'],
  connectors: [],
  transforms: [],
}

/** Third-party packages and where each is imported: one folder, or a file. express serves two separate servers. */
const PACKAGE_HOME = {
  '@platformatic/kafka': ['src/kafka'],
  avsc: [],
  convict: ['src/worker'],
  commander: ['src/cli'],
  express: ['src/rest', 'src/registry'],
  jose: ['src/access'],
  kafkajs: ['src/dev'],
  'node-forge': ['src/tls'],
  pino: ['src/runtime'],
  re2js: ['src/api'],
  '@marcbachmann/cel-js': ['src/api'],
  'onnxruntime-node': ['src/inference'],
  sharp: ['src/inference'],
  h5wasm: ['src/inference'],
  yaml: ['src/inference'],
}

const FOLDERS = [
  'src/api',
  'src/access',
  'src/tls',
  'src/kafka',
  'src/converters',
  'src/inference',
  'src/runtime',
  'src/worker',
  'src/rest',
  'src/registry',
  'src/dev',
  'src/cli',
  'src/testing',
  'connectors',
  'transforms',
]

/** What a folder may not import, as regular expressions of module names: see MAY_IMPORT and PACKAGE_HOME. */
function forbidden(folder) {
  if (folder === 'connectors' || folder === 'transforms') {
    const message = `${folder} import nothing but 'sluice', node: and their own files (docs/architecture.md).`
    // Up is fine within the folder: what lies above it begins with the name of another.
    const above = ['src', 'test', 'connectors', 'transforms', 'bench', 'scripts', 'node_modules'].join('|')
    return [{ regex: `^(?!sluice$|node:|\\.\\x2F|(\\.\\.\\x2F)+(?!(\\.\\.|${above})\\x2F))`, message }]
  }
  const allowed = MAY_IMPORT[folder] ?? FOLDERS
  const foreign = FOLDERS.filter((other) => other !== folder && !allowed.includes(other)).map((other) => ({
    regex: `^\\.\\.\\x2F(.*\\x2F)?${other.replace('src/', '')}\\x2F${allowed.includes(`${other}/index.ts`) ? '(?!index\\.ts$)' : ''}`,
    message: `${folder} may not import ${other} (docs/architecture.md).`,
  }))
  const packages = Object.entries(PACKAGE_HOME)
    .filter(([, homes]) => !homes.includes(folder))
    .map(([name, homes]) => ({
      regex: `^${name.replace('/', '\\x2F')}($|\\x2F)`,
      message: `${name} is imported by ${homes.join(' and ') || 'tests and bench'} only.`,
    }))
  const whole = {
    regex: '^(\\.\\.\\x2F)+index\\.ts$',
    message: 'Inside src, import from src/api; src/index.ts is what plugins see.',
  }
  return [...foreign, ...packages, whole]
}

/** The rules that keep one folder to that, for imports and for `import()`. */
function importRules(folder) {
  const patterns = forbidden(folder)
  const dynamic = patterns.map(({ regex, message }) => ({
    selector: `ImportExpression[source.value=/${regex}/]`,
    message,
  }))
  return {
    'no-restricted-imports': ['error', { patterns }],
    'no-restricted-syntax': ['error', ...dynamic],
  }
}

export default tseslint.config(
  { ignores: ['node_modules', '**/dist', 'bench/jvm-peer', 'models', '.sluice', '**/*.d.ts'] },
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
    files: ['create-sluice-plugin/template/test/*.ts'], // node:test waits for what it was given
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['describe', 'it', 'beforeEach', 'afterEach'], package: 'node:test' },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },
)
