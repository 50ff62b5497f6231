/**
 * Whether a text has something to read: a letter, digit, punctuation mark or symbol. Spaces, control, format and zero-width
 * characters, marks without a base, and letters and symbols without a shape (fillers, the blank Braille pattern, the null
 * notehead) are not.
 */
export const hasVisibleText = (text: string): boolean =>
  /(?![\p{Default_Ignorable_Code_Point}\u{2800}\u{1d159}])[\p{L}\p{N}\p{P}\p{S}]/u.test(text);
