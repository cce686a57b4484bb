// Requests to the service. The token, if there is one, is stored for this tab alone.

const TOKEN = "book-forecast-token";
const PATIENCE_MS = 10_000;
// A workbook of everything takes seconds, and more on a busy machine.
const FILE_PATIENCE_MS = 180_000;

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const hasToken = () => sessionStorage.getItem(TOKEN) !== null;
export const storeToken = (token) => sessionStorage.setItem(TOKEN, token);
export const forgetToken = () => sessionStorage.removeItem(TOKEN);

export async function ask(path, signal) {
  const response = await request(path, signal);
  try {
    return await response.json();
  } catch (error) {
    throw noAnswer(error);
  }
}

export async function send(path, body, signal) {
  const response = await request(path, signal, body);
  try {
    return await response.json();
  } catch (error) {
    throw noAnswer(error);
  }
}

// Why there is no release, or not the newest one; open to everybody.
export async function health() {
  try {
    return await (await fetch("readyz")).json();
  } catch {
    return { problem: null };
  }
}

// A link cannot send a token, so the file is fetched and saved by a link of its own.
export async function download(path, body) {
  const response = await request(path, undefined, body, FILE_PATIENCE_MS);
  const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = named?.[1] ?? "forecast";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function request(path, signal, body, patience = PATIENCE_MS) {
  const headers = {};
  const sent = {};
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    Object.assign(sent, { method: "POST", body: JSON.stringify(body) });
  }
  const token = sessionStorage.getItem(TOKEN);
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, { ...sent, headers, signal: patient(signal, patience) });
  } catch (error) {
    throw noAnswer(error);
  }
  if (!response.ok) throw new Refusal(response.status, await reason(response));
  return response;
}

const noAnswer = (error) =>
  error.name === "AbortError"
    ? error
    : new Refusal(0, "The service does not answer: it may have been stopped.");

// A service that is stopped may leave a connection open and never answer.
function patient(signal, milliseconds) {
  const timeout = AbortSignal.timeout(milliseconds);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

async function reason(response) {
  let detail;
  try {
    const body = await response.json();
    detail = body.detail ?? body.title;
  } catch {
    detail = null;
  }
  if (Array.isArray(detail)) detail = detail.map((item) => item.msg ?? item).join("; ");
  return typeof detail === "string" ? detail : `The service answered ${response.status}.`;
}
