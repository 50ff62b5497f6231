import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App, createDashboard } from './app/app.tsx';
import './app/styles.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App dashboard={createDashboard()} />
  </StrictMode>,
);
