/** Calls a hook whose result nobody awaits; what it throws or rejects with goes to `onFailure`. */
export function settleHook(call: () => Promise<void> | void, onFailure: (error: unknown) => void): void {
  try {
    call()?.catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}
