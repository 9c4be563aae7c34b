/**
 * Not part of the ten lines: an app has its own sign-in. On another site than its server there is no cookie, so this one
 * asks for a token with name and password, and keeps neither: after a reload the last user's data is there at once, and
 * the status bar asks to sign in before anything is sent.
 */
export const server =
  new URLSearchParams(location.search).get("server") ?? localStorage.getItem("server") ?? "http://localhost:8080";
localStorage.setItem("server", server);

const form = document.querySelector("#sign-in");
let token;
let onToken = () => {};

/** The user of the last visit, or of the first sign-in. */
export function signedInUser() {
  const user = localStorage.getItem("user");
  return user ?? new Promise((resolve) => (onToken = () => resolve(localStorage.getItem("user"))));
}

/** What `openClient` asks for. Undefined: sign in. */
export async function getAccessToken(reason) {
  if (reason === "expired") token = undefined;
  return token;
}

/** Calls back after each sign-in. */
export function onSignIn(callback) {
  onToken = callback;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { username, password } = Object.fromEntries(new FormData(form));
  const body = JSON.stringify({ grant: "password", username, password });
  const response = await fetch(`${server}/auth/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  if (!response.ok) return alert("The name or the password is wrong.");
  const answer = await response.json();
  token = answer.access_token;
  localStorage.setItem("user", answer.profile.id);
  form.reset();
  onToken();
});
