import type { Config } from 'tailwindcss';

/** A colour for the light and the dark scheme; which one follows the system (`color-scheme` in styles.css). */
const both = (light: string, dark: string) => `light-dark(${light}, ${dark})`;

/**
 * The dashboard's tokens. Colours are named by what they mean: green passed, approve or live, blue running, amber waiting for
 * somebody, red reject, bypass, failed or blocked, grey not yet or waiting for time. Each text colour reaches 4.5:1 on `canvas`, `surface`, `sunken` and its
 * own `-soft` ground, white reaches it on the `-strong` ones, and `line-strong` reaches 3:1 around controls.
 */
export default {
  content: ['./index.html', './src/**/*.{ts,tsx}'],
  theme: {
    extend: {
      colors: {
        canvas: both('#f6f7f9', '#0f1317'),
        surface: both('#ffffff', '#171c22'),
        sunken: both('#eceff2', '#242b33'),
        line: both('#d8dde3', '#2e3640'),
        'line-strong': both('#7b8590', '#717c88'),
        ink: both('#14191f', '#e9ecef'),
        muted: both('#525d68', '#a3aeb9'),
        focus: both('#1d5fd1', '#7fb0ff'),
        passed: { DEFAULT: both('#10612a', '#63d68d'), soft: both('#e2f4e7', '#12301d'), strong: '#1f7a3d' },
        running: { DEFAULT: both('#1a4fa3', '#8ab8ff'), soft: both('#e3edfc', '#14274a') },
        waiting: { DEFAULT: both('#744700', '#f0bb52'), soft: both('#fdf0d5', '#35290c') },
        failed: { DEFAULT: both('#ad1a20', '#ff9692'), soft: both('#fde9e8', '#3d1719'), strong: '#be242d' },
      },
      zIndex: { 60: '60' },
    },
  },
} satisfies Config;
