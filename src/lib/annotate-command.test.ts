/// <reference types="node" />
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { annotateCommand } from './annotate-command.ts';

const lines = annotateCommand('https://forage.example', 'acme', 'checkout.v2');
const body = (git: string) => {
  const shims = `curl() { for last; do :; done; printf %s "$last"; }; git() { ${git}; }`;
  return JSON.parse(execFileSync('/bin/sh', ['-c', `${shims}\n${lines}`], { encoding: 'utf8' })) as unknown;
};

test('the lines send valid JSON from a shell', () => {
  expect(body('printf 5f0c1d2e')).toEqual({
    project: { organisation: 'acme', project: 'checkout.v2' },
    context: { title: 'First build' },
    ref: { commitSha: '5f0c1d2e', branch: 'main', version: '0.1.0' },
  });
});

test('the lines work outside a git folder', () => {
  expect(body('return 128')).toMatchObject({
    ref: { commitSha: expect.stringMatching(/^[0-9a-f]{40}$/) as string },
  });
});
