// What does the page show while it waits? The answer that it had, until the next is there. Who asks again gives up the question before.
import type { Params } from "./address";
import { Failure, get, type Job } from "./api";

/** A wait that is shorter is not shown. */
const PATIENCE = 150;

export class Answer<T> {
  value = $state.raw<T | undefined>();
  failure = $state.raw<Failure | undefined>();
  /** Work that the answer waits for, where it takes long. */
  job = $state.raw<Job | undefined>();
  waiting = $state(false);
  /** Whether people have waited long enough to be told. */
  slow = $state(false);
  #given = new AbortController();

  async ask(path: string, params: Params): Promise<void> {
    this.#given.abort();
    const given = new AbortController();
    this.#given = given;
    this.waiting = true;
    this.job = undefined;
    const late = setTimeout(() => (this.slow = this.slow || this.#given === given), PATIENCE);
    try {
      const value = await get<T>(path, params, given.signal, (job) => {
        if (this.#given === given) this.job = job;
      });
      if (this.#given !== given) return;
      this.value = value;
      this.failure = undefined;
    } catch (error) {
      if (this.#given !== given || given.signal.aborted) return;
      this.failure = error instanceof Failure ? error : new Failure("broken_answer", String(error), 0);
    } finally {
      clearTimeout(late);
      if (this.#given === given) {
        this.waiting = this.slow = false;
        this.job = undefined;
      }
    }
  }

  forget(): void {
    this.#given.abort();
  }
}
