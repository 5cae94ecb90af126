// Budgets: how much of each is spent, held and left, and when it begins anew.
export async function showBudgets() {}
