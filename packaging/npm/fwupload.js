#!/usr/bin/env node
// Starts the program of this platform, and ends as it ends. Never changes what it is told or says.
"use strict";

const { spawn } = require("node:child_process");

const name = `fwupload-${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/bin/fwupload`);
} catch {
  console.error(`error: there is no fwupload for ${process.platform} ${process.arch} here.`);
  console.error(`  The package ${name} holds it; npm leaves it out with --omit=optional.`);
  process.exit(1);
}

// A terminal sends Ctrl-C to both processes, and a second one would end an upload at once:
// what reaches this process alone is passed on, and what reaches both is waited for.
const passedOn = process.stdin.isTTY ? ["SIGTERM"] : ["SIGTERM", "SIGINT", "SIGHUP"];
const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.on(signal, () => passedOn.includes(signal) && child.kill(signal));
}
child.on("error", (error) => {
  console.error(`error: ${program} cannot be started: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal === null) {
    process.exit(code);
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
