/// <reference types="node" />
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { annotateCommand, needsGuide, type SetupFacts, setupSteps } from './setup-steps.ts';

const nothing: SetupFacts = {
  environments: 0,
  destinations: 0,
  project: undefined,
  pipelines: 0,
  policies: 0,
  members: 1,
  artifacts: 0,
};
const all: SetupFacts = {
  environments: 2,
  destinations: 1,
  project: 'checkout',
  pipelines: 1,
  policies: 1,
  members: 2,
  artifacts: 1,
};
const done = (facts: SetupFacts) => setupSteps('acme', facts).flatMap(({ id, done: is }) => (is ? [id] : []));

test('no step is done in an empty organisation, all are in a full one', () => {
  expect(done(nothing)).toEqual([]);
  expect(done(all)).toEqual([
    'environments',
    'destinations',
    'project',
    'pipeline',
    'policy',
    'members',
    'annotate',
  ]);
});

test('steps of a project have no link before there is one', () => {
  const to = (facts: SetupFacts) => setupSteps('acme', facts).find(({ id }) => id === 'policy')?.to;
  expect(to(nothing)).toBeUndefined();
  expect(to(all)).toBe('/orgs/acme/projects/checkout/policies');
});

test('the guide is needed until all required steps are done', () => {
  expect(needsGuide(setupSteps('acme', nothing))).toBe(true);
  expect(needsGuide(setupSteps('acme', { ...all, policies: 0 }))).toBe(true);
  expect(needsGuide(setupSteps('acme', { ...all, pipelines: 0 }))).toBe(false);
});

test('the command sends valid JSON from a shell', () => {
  const lines = annotateCommand('https://forage.example', 'acme', 'checkout.v2');
  const shims = 'curl() { for last; do :; done; printf %s "$last"; }; git() { printf 5f0c1d2e; };';
  const body = execFileSync('/bin/sh', ['-c', `${shims}\n${lines}`], { encoding: 'utf8' });
  expect(JSON.parse(body)).toEqual({
    project: { organisation: 'acme', project: 'checkout.v2' },
    context: { title: 'First build' },
    ref: { commitSha: '5f0c1d2e', branch: 'main' },
  });
});
