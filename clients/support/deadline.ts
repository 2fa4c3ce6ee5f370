/** Rejects when the promise takes longer than that. Nothing in these tests waits without an end. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const error = new Error(`${what}: not within ${milliseconds} ms`); // made here, for the stack of who waits
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(error), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
