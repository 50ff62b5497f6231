import Papa from 'papaparse';

/**
 * The start of a cell that a spreadsheet may run as a formula. Some split cells at other separators than a comma, and some skip
 * quotes, white space and invisible characters.
 */
const FORMULA = /^(?:[\t\r]|[\s\p{C}\p{Z}\p{DI}\u2800;|,:"'`]*[=+\-@＝＋－＠﹦﹢﹣﹫])/u;

/**
 * A line of CSV (RFC 4180) with its line break. Every cell is quoted, so that no program splits it, and one that could be a
 * formula gets an apostrophe in front.
 */
export const csvLine = (cells: readonly (string | number)[]): string =>
  `${Papa.unparse([[...cells]], { quotes: true, escapeFormulae: FORMULA })}\r\n`;
