// Calls to the server of this page. What it refuses comes back as a Refusal with the server's own words.

export class Refusal extends Error {
  constructor(message, argument) {
    super(message);
    this.argument = argument;
  }
}

export async function ask(path, query = "", signal = undefined) {
  let answer;
  try {
    answer = await fetch(`api/${path}${query ? `?${query}` : ""}`, { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("the studio does not answer; is pain3d studio still running in the terminal?", "");
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({ error: `the studio answered ${answer.status}` }));
  throw new Refusal(said.error, said.argument ?? "");
}

export const json = async (path, query, signal) => (await ask(path, query, signal)).json();
export const blob = async (path, query, signal) => (await ask(path, query, signal)).blob();
export const buffer = async (path, query, signal) => (await ask(path, query, signal)).arrayBuffer();

/** Runs the newest of several calls alone: an older one is stopped, and its answer never shown. */
export class Latest {
  #controller = null;

  async run(work) {
    this.#controller?.abort();
    const own = (this.#controller = new AbortController());
    try {
      return await work(own.signal);
    } finally {
      if (this.#controller === own) this.#controller = null;
    }
  }

  stop() {
    this.#controller?.abort();
  }
}
