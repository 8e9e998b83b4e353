// What is being worked on? Asked once a second while something is, and where somebody looks; else not at all.
import { live, type Failure, get } from "./api";
import type { JobsAnswer } from "./runs";

const PERIOD = 1000;

class Working {
  jobs = $state.raw<JobsAnswer | undefined>();
  failure = $state.raw<Failure | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #again = false;

  constructor() {
    if (live) document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.look());
  }

  get n(): number {
    return (this.jobs?.n_running ?? 0) + (this.jobs?.n_waiting ?? 0);
  }

  /** Looks now, and goes on as long as there is something to see. */
  look(): void {
    if (!live) return;
    if (this.#asking) this.#again = true;
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#asking = true;
    this.#again = false;
    try {
      this.jobs = await get<JobsAnswer>("/api/jobs", [], new AbortController().signal);
      this.failure = undefined;
    } catch (error) {
      this.jobs = undefined;
      this.failure = error as Failure;
    }
    this.#asking = false;
    if (this.#again) void this.#ask();
    else if (this.n > 0 && document.visibilityState === "visible") this.#timer = setTimeout(() => void this.#ask(), PERIOD);
  }
}

export const working = new Working();
