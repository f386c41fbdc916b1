#!/usr/bin/env node
import { main } from './main.js';
import { processTerminal } from './terminal.js';

const terminal = processTerminal();

// Whoever reads may leave early, as `head` does; there is nothing left to do then, and nothing wrong.
terminal.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// Not `process.exit`, which would cut off what a pipe has not taken yet.
process.exitCode = await main(process.argv.slice(2), terminal);
