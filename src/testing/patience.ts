import { configure } from '@testing-library/dom';

// A busy machine is slow, not wrong: what a test waits for may take this long, in milliseconds, before it counts as missing.
configure({ asyncUtilTimeout: 10_000 });
