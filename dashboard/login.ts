/** The form that asks for the token. It becomes a cookie that no script can read. */

const form = document.querySelector<HTMLFormElement>('#login');
const token = document.querySelector<HTMLInputElement>('#token');
const message = document.querySelector('#message');

async function logIn(): Promise<void> {
  if (!token || !message) return;
  message.textContent = '';
  const answer = await fetch('api/login', {
    method: 'POST',
    headers: { authorization: `Bearer ${token.value.trim()}` },
  });
  if (answer.ok) {
    location.reload();
    return;
  }
  const { error } = (await answer.json()) as { error: string };
  message.textContent = error;
  token.select();
}

token?.focus();
form?.addEventListener('submit', (event) => {
  event.preventDefault();
  logIn().catch(() => {
    if (message) message.textContent = 'The server cannot be reached.';
  });
});
