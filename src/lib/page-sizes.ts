/** The largest page the contract allows: for lists that stand whole in a form, such as an organisation's environments. */
export const allOfThem = 500;
