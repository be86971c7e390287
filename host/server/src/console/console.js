// What the pages of the console do beyond HTML: they tell what has changed since they were opened, and they have keys.
// Without this they do everything else. Nothing here makes a part of a page out of a text: what is shown comes from a page
// of the host, read as a document, or is set as text.

const main = document.getElementById('main');
const live = document.querySelector('[data-live]');
const here = location.pathname.replace(/\/decisions$/, '');
const make = (name, text, own = {}) => Object.assign(document.createElement(name), { textContent: text }, own);
const id = (name) => document.getElementById(name);

// What is told: of what has changed, and of the stream. Both are there before they say something, so that it is read out.
const told = make('p', '', { role: 'status' });
const line = make('p', '', { role: 'status' });
const bar = make('div', '', { className: 'live' });
bar.append(told, line);
main.prepend(bar);
const tell = (where, ...what) => where.replaceChildren(...what);

// The page as it is now; a session that has ended, or a host that is not there, is a fault.
const load = () => new Promise((done, fail) => {
  const ask = new XMLHttpRequest();
  // That it is not there for somebody any more is an answer too.
  const says = () => [200, 404].includes(ask.status) && ask.response && new URL(ask.responseURL).pathname === here;
  ask.responseType = 'document';
  ask.onerror = fail;
  ask.onload = () => (says() ? done(ask.response) : fail());
  ask.open('GET', here + (here === '/inbox' ? location.search : ''));
  ask.send();
});

// Puts another page in the place of this one, without losing a word that somebody has written.
const swap = (page) => {
  const words = [...main.querySelectorAll('textarea')].filter((field) => field.value !== field.defaultValue);
  const inside = main.contains(document.activeElement);
  main.replaceChildren(bar, ...page.getElementById('main').childNodes);
  document.title = page.title;
  for (const { id: name, value } of words) {
    const field = id(name);
    if (field) {
      field.value = value;
      open(field);
    } else {
      bar.after(make('p', 'You wrote:'), make('blockquote', value));
    }
  }
  if (inside) main.focus();
};
const open = (field) => {
  const fold = field.closest('details');
  if (fold) fold.open = true;
};

// The inbox: rows that have changed are replaced, those that are new or gone are counted. Where the keyboard is stays.
const rows = (page) => new Map([...page.querySelectorAll('.inbox > li')].map((row) => [row.querySelector('a').pathname, row]));
const texts = new Map([...rows(document)].map(([key, row]) => [key, row.textContent]));
const renew = async () => {
  const page = await load();
  const list = document.querySelector('.inbox');
  const next = rows(page);
  let [added, gone] = [0, 0];
  for (const key of next.keys()) added += !texts.has(key);
  for (const key of texts.keys()) gone += !next.has(key);
  if (!list || !next.size) {
    for (const [key, row] of next) texts.set(key, row.textContent);
    swap(page);
  } else {
    const old = rows(document);
    for (const [key, row] of old) {
      if (next.has(key)) continue;
      if (!row.contains(document.activeElement)) row.remove();
      else if (texts.has(key)) row.append(make('p', 'It does not wait for you any more.'));
    }
    let at = list.firstElementChild;
    for (const [key, row] of next) {
      while (at && !next.has(at.querySelector('a').pathname)) at = at.nextElementSibling;
      let known = old.get(key);
      const focused = known && known.contains(document.activeElement);
      if (known && texts.get(key) !== row.textContent) {
        if (at === known) at = row;
        known.replaceWith(row);
        known = row;
      }
      texts.set(key, row.textContent);
      if (!known) row.querySelector('h2').append(' ', make('small', 'new'));
      if ((known || row) === at) at = at.nextElementSibling;
      else list.insertBefore(known || row, at);
      if (focused) row.querySelector('a')?.focus({ preventScroll: true });
    }
    document.querySelector('nav.pages')?.remove();
    const pages = page.querySelector('nav.pages');
    if (pages) main.append(pages);
  }
  for (const key of texts.keys()) if (!next.has(key)) texts.delete(key);
  const said = [added && `${added} new`, gone && `${gone} no longer waiting for you`].filter(Boolean).join(', ');
  if (said) tell(told, said);
};

// An intent: what has happened is told, and the page stays until somebody wants to see it.
const story = (page) => page.querySelector('.story')?.textContent;
const warn = async () => {
  const page = await load();
  if (story(page) === story(document)) return;
  const newest = page.querySelector('.story li span');
  const look = make('button', 'Look again', { type: 'button' });
  look.onclick = () => {
    swap(page);
    tell(told, 'This is how it stands now.');
    main.focus();
  };
  tell(told, `This has changed: ${newest ? newest.textContent : page.title}. `, look);
};

// One look at a time, and then no other one for a moment; one that fails is made again.
let [busy, again, fails] = [false, false, 0];
const look = async () => {
  again = busy;
  if (busy) return;
  busy = true;
  try {
    await (here === '/inbox' ? renew() : warn());
    if (fails) tell(line);
    fails = 0;
  } catch {
    stale();
    again = true;
    fails += 1;
  }
  setTimeout(() => {
    busy = false;
    if (again) look();
  }, Math.min(500 * 2 ** fails, 60000));
};
const stale = () => tell(line, 'This page is not kept up to date. ', make('a', 'Load it again', { href: here }));

// The stream tells which intents have changed. A page that nobody sees lets go of it.
let source;
let pause = 2000;
let last = live?.dataset.live;
const listen = () => {
  if (document.hidden) return;
  source?.close();
  source = new EventSource(`/live?after=${last}`);
  source.onopen = () => {
    tell(line);
    pause = 2000;
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CONNECTING) {
      tell(line, 'The connection to the host is broken. It is tried again; what stands here may be old.');
    } else {
      stale();
      setTimeout(listen, (pause = Math.min(pause * 2, 60000)));
    }
  };
  source.addEventListener('anew', (event) => {
    last = event.lastEventId;
    look();
  });
  source.addEventListener('changed', (event) => {
    last = event.lastEventId;
    const shown = (key) => key === here || texts.has(key);
    const is = (one) => (here === '/inbox' && one.endsWith(' waits')) || shown(`/intents/${one.split(' ')[0]}`);
    if (event.data.split('\n').some(is)) look();
  });
};
if (live) {
  listen();
  document.addEventListener('visibilitychange', () => (document.hidden ? source?.close() : listen()));
}

// Keys. What decides is a form: a key leads to it, and sends nothing but with Ctrl.
const links = () => [...main.querySelectorAll('.inbox h2 a, .rows tbody th a')];
const step = (by) => () => {
  const all = links();
  all[Math.min(Math.max(all.indexOf(document.activeElement) + by, 0), all.length - 1)]?.focus();
};
const chosen = () => links().find((link) => link === document.activeElement);
const show = (name) => {
  const field = id(name);
  if (!field) return tell(told, 'That is not for you to do here.');
  open(field);
  field.focus();
};
const say = (verb) => () => {
  const link = chosen();
  if (here.startsWith('/intents/')) show(`words-${verb}`);
  else if (link) location.assign(`${link.pathname}#words-${verb}`);
  else tell(told, 'Choose one first, by j and k.');
};
const way = (to) => document.querySelector(`header a[href="${to}"]`);
const WAYS = { i: 'inbox', n: 'intents', e: 'exceptions', r: 'reconciliation', c: 'connectors', p: 'policies', m: 'measures', u: 'audit' };
let chord = 0;
const KEYS = {
  j: ['next', step(1)],
  k: ['previous', step(-1)],
  o: ['open', () => chosen()?.click()],
  a: ['to approving', say('approve')],
  d: ['to declining', say('decline')],
  s: ['to sending back', say('send-back')],
  c: ['to commenting', say('comment')],
  u: ['back to the inbox', () => way('/inbox')?.click()],
  g: ['then a letter: to a page', () => (chord = Date.now())],
  '?': ['these keys', () => help()],
};
const help = () => {
  const dialog = make('dialog', '');
  const keys = make('dl', '');
  const add = (key, words) => keys.append(make('dt', key), make('dd', words));
  for (const [key, [words]] of Object.entries(KEYS)) add(key, words);
  for (const [key, to] of Object.entries(WAYS)) if (way(`/${to}`)) add(`g ${key}`, to);
  add('Ctrl+Enter', 'send the form');
  add('Esc', 'close this');
  const close = make('button', 'Close', { type: 'button', onclick: () => dialog.close() });
  dialog.append(make('h2', 'Keys', { id: 'keys-shown' }), keys, make('a', 'Switch them off', { href: '/you#keys' }), close);
  dialog.setAttribute('aria-labelledby', 'keys-shown');
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
};
const off = /(^|; )countersign-keys=off/.test(document.cookie);
document.addEventListener('keydown', (event) => {
  const { key, target, ctrlKey, metaKey, altKey } = event;
  if (key === 'Enter' && (ctrlKey || metaKey) && target.form) {
    event.preventDefault();
    return target.form.requestSubmit();
  }
  const typing = event.isComposing || target.matches('input, textarea, select');
  if (off || ctrlKey || metaKey || altKey || typing || document.querySelector('dialog[open]')) return;
  const to = Date.now() - chord < 2000 && WAYS[key];
  chord = 0;
  const act = to ? () => way(`/${to}`)?.click() : KEYS[key]?.[1];
  if (!act) return;
  event.preventDefault();
  act();
});
if (location.hash.startsWith('#words-')) show(location.hash.slice(1));
