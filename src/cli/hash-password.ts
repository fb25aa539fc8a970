import { type Command, InvalidArgumentError } from 'commander'

interface Options {
  readonly role: string
}

export function register(program: Command): void {
  program
    .command('hash-password')
    .summary('make a line of a file of users')
    .description(
      'Asks for a password, or reads one from standard input, and prints the line of a user for the file that ' +
        'rest.auth.basic.users.file names: NAME:ROLE:HASH. The hash is salted (scrypt): it does not tell the password.',
    )
    .argument('<name>', 'the user')
    .option('--role <role>', 'reader (looks), operator (runs) or admin (changes)', 'reader')
    .action(run)
}

async function run(name: string, { role }: Options): Promise<void> {
  const [{ hashPassword }, { isName, roleOf, ROLES }, { readPassword }] = await Promise.all([
    import('../access/password-hash.ts'),
    import('../access/roles.ts'),
    import('./read-password.ts'),
  ])
  if (!isName(name) || name.includes(':') || name.startsWith('#') || name !== name.trim())
    throw new InvalidArgumentError('A name has no colon, and neither begins with # nor with a blank.')
  if (roleOf(role) === undefined) throw new InvalidArgumentError(`A role is one of ${ROLES.join(', ')}.`)
  const password = await readPassword(`Password of ${name}: `)
  process.stdout.write(`${name}:${role}:${await hashPassword(password)}\n`)
  process.exit(0)
}
