/** What the sign-in page is told by the page that opened it. */
export type SignInState = { readonly sessionEnded: true } | null;
