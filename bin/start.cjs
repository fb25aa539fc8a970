/* Apart from sluice.cjs, because a Node that does not know import() could not read this file. */
import('../dist/src/cli/main.js')
