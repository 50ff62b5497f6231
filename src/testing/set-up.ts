import { configure } from '@testing-library/dom';
import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

// Milliseconds to wait for a condition; long, because tests also run on busy machines.
configure({ asyncUtilTimeout: 10_000 });
// Test files share a document.
afterEach(cleanup);
