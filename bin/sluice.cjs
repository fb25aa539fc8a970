#!/usr/bin/env node
/* Read by whatever Node there is, so in its oldest syntax: nothing newer is loaded before the version is known to do. */
var wanted = require('../package.json').engines.node.replace('>=', '').split('.')
var present = process.versions.node.split('.')
var major = present[0] - wanted[0]

if (major > 0 || (major === 0 && present[1] - wanted[1] >= 0)) {
  require('./start.cjs')
} else {
  console.error(
    'sluice: needs Node ' +
      wanted.join('.') +
      ' or newer, and this is ' +
      process.versions.node +
      '; install a newer one from https://nodejs.org or with your package manager',
  )
  process.exitCode = 1
}
