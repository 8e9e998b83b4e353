// What does the browser remember between visits? Little, and nothing that a page needs: where storing is forbidden, all else works.

export function recall<T>(key: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`pellucid.${key}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    localStorage.setItem(`pellucid.${key}`, JSON.stringify(value));
  } catch {
    // Forbidden or full.
  }
}
