// What does the page show while it waits? The answer that it had, until the next is there. Who asks again gives up the question before.
import { untrack } from "svelte";
import { query, type Params } from "./address";
import { cancel, Failure, get, type Job } from "./api";
import { working } from "./working.svelte";

/** A wait that is shorter is not shown. */
const PATIENCE = 150;

export class Answer<T> {
  value = $state.raw<T | undefined>();
  /** The server's address of the value. */
  at = $state.raw<string | undefined>();
  failure = $state.raw<Failure | undefined>();
  /** Work that the answer waits for, where it takes long. */
  job = $state.raw<Job | undefined>();
  waiting = $state(false);
  /** Whether people have waited long enough to be told. */
  slow = $state(false);
  #given = new AbortController();
  /** Jobs that were stopped for this question: one that ends before it hears of that is followed by the next. */
  #stopped: string[] | undefined;

  async ask(path: string, params: Params): Promise<void> {
    this.#given.abort();
    const given = new AbortController();
    this.#given = given;
    this.waiting = true;
    this.job = undefined;
    this.#stopped = undefined;
    const late = setTimeout(() => (this.slow = this.slow || this.#given === given), PATIENCE);
    try {
      const value = await get<T>(path, params, given.signal, (job) => {
        if (this.#given !== given) return;
        if (this.job?.id !== job.id) working.look();
        this.job = job;
        if (this.#stopped) this.stop();
      });
      if (this.#given !== given) return;
      this.value = value;
      this.at = `${path}?${query(params)}`;
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

  /** Stops the work, and what would follow it. */
  stop(): void {
    const job = this.job;
    this.#stopped ??= [];
    if (!job || this.#stopped.includes(job.id)) return;
    this.#stopped.push(job.id);
    void cancel(job);
  }

  forget(): void {
    this.#given.abort();
  }
}

/** Asks whenever what is asked becomes another question, by its text, and gives it up with the page; nothing while there is none. */
export function follow<T>(answer: Answer<T>, question: () => string | undefined, ask: () => void): void {
  $effect(() => {
    if (question() === undefined) return;
    untrack(ask);
    return () => answer.forget();
  });
}
