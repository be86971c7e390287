//! The server's limits, each with its unit and its reason.

/// Largest body of a submission, in bytes: the largest redline with all its clauses fits.
pub const INTENT_BYTES_MAX: usize = 256 * 1024;

/// Largest body of every other request, in bytes: a decision with the longest reason fits.
pub const COMMAND_BYTES_MAX: usize = 16 * 1024;

/// Rights in one form of a page.
pub const ACCESS_ROWS: usize = 50;

/// Largest body of a review of access, in bytes: as many verdicts as one takes, each with a reason of usual length.
pub const ACCESS_REVIEW_BYTES_MAX: usize = 256 * 1024;

/// Largest body with a policy document, in bytes: the largest document with every second character escaped.
pub const POLICY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Most faults of a document that one problem lists.
pub const DOCUMENT_FAULTS_MAX: usize = 100;

/// Most policies that are checked, tried, compared or explained at one time: each keeps a core busy.
pub const PROOFS_AT_ONCE_MAX: usize = 2;

/// Longest time that a caller waits for one of them, in milliseconds: it ends with an answer of its own
/// before the request does. The proof is stopped then, or when its caller hangs up.
pub const PROOF_MS_MAX: u64 = 50_000;

/// Most values of inputs that are explained at once: the longest list of a token with all its fields.
pub const INPUT_VALUES_MAX: usize = 1_000;

/// Largest file that is imported, in bytes: a policy of 5,000 rows is half of it.
pub const IMPORT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Most files that are imported at one time: a workbook at the limit of its parts, unpacked and read,
/// needs some hundred megabytes.
pub const IMPORTS_AT_ONCE_MAX: usize = 1;

/// Largest side table of an import, in bytes: it stands in the address, which holds three times as much.
pub const SIDE_BYTES_MAX: usize = 16 * 1024;

/// Most backtests at one time: each reads the whole log and keeps one core busy.
pub const BACKTESTS_AT_ONCE_MAX: usize = 1;

/// Longest time of a backtest, in milliseconds: it ends with an answer of its own before the request does.
pub const BACKTEST_MS_MAX: u64 = 50_000;

/// Largest body of an identity provider, in bytes: the largest group with all its members fits.
pub const SCIM_BYTES_MAX: usize = 1024 * 1024;

/// Most operations of one change, those without a path taken apart: every member of a large group by itself.
pub const SCIM_OPERATIONS_MAX: usize = 1_000;

/// Longest filter of a list, in bytes: the longest name of an account with every character escaped.
pub const SCIM_FILTER_BYTES_MAX: usize = 2_048;

/// Most comparisons of one filter: an identity provider sends two.
pub const SCIM_FILTER_TERMS_MAX: usize = 8;

/// Most attributes that are asked for by name: more than there are.
pub const SCIM_ATTRIBUTES_MAX: usize = 64;

/// Most resources of one page of a list.
pub const SCIM_PAGE_ROWS_MAX: usize = 200;

/// Longest reason or note, in characters: beyond it nobody reads it.
pub const WORDS_CHARACTERS_MAX: usize = 2_000;

/// Longest idempotency key, in bytes: a UUID or a digest fits, and with the longest person before
/// it the key is still within the engine's limit.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// Rows of one page unless the caller asks for another number.
pub const PAGE_ROWS: usize = 50;

/// Most rows of one page.
pub const PAGE_ROWS_MAX: usize = 200;

/// Longest time that `Prefer: wait` may ask for, in seconds: proxies give up soon after.
pub const WAIT_SECONDS_MAX: u64 = 30;

/// Largest component that is added, in bytes: what a host runs at most.
pub const COMPONENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest time in which a component must have arrived, in milliseconds: 18 MB of Python over a slow line.
pub const COMPONENT_MS_MAX: u64 = 30_000;

/// Most components that are added at one time: each is held in memory and keeps a core busy while it is compiled.
pub const COMPONENTS_AT_ONCE_MAX: usize = 1;

/// Pause between two looks at an intent that somebody waits for, in milliseconds.
pub const WAIT_LOOK_MS: u64 = 25;

/// Longest time in which a body must have arrived, in milliseconds: a slow sender holds a place.
pub const BODY_MS_MAX: u64 = 10_000;

/// Longest time in which the headers of a request must have arrived, in milliseconds.
pub const HEADER_MS_MAX: u64 = 10_000;

/// Most headers of one request.
pub const HEADERS_MAX: usize = 64;

/// Largest buffer of one connection, in bytes: more headers than this are refused.
pub const CONNECTION_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Longest time that a request may take, in milliseconds: above the longest wait and the longest
/// check of a connection.
pub const REQUEST_MS_MAX: u64 = 60_000;

/// Most rows that one list looks at for what is for its caller; above it they are told to ask for less.
pub const LIST_ROWS_LOOKED_AT_MAX: usize = 2_000;

/// Most requests that are answered at one time; above it a caller is told to come back.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 1_024;

/// Most connections that are open at one time; above it a new one waits in the listener's queue.
pub const CONNECTIONS_MAX: usize = 2_048;

/// Longest time for running requests to end when the server stops, in milliseconds.
pub const SHUTDOWN_MS_MAX: u64 = 10_000;

/// Pause before the listener is asked again after it failed (out of descriptors), in milliseconds.
pub const ACCEPT_FAULT_DELAY_MS: u64 = 100;

/// What `Retry-After` says where waiting helps, in seconds.
pub const RETRY_AFTER_SECONDS: u64 = 1;

/// Most tokens of one host: each request is compared with every one of them.
pub const TOKENS_MAX: usize = 1_000;

/// Longest life of a session, in milliseconds: a working day.
pub const SESSION_MS_MAX: u64 = 12 * 60 * 60 * 1_000;

/// Longest time in which a session is not used, in milliseconds: a long lunch.
pub const SESSION_IDLE_MS_MAX: u64 = 2 * 60 * 60 * 1_000;

/// Most sessions of one host.
pub const SESSIONS_MAX: usize = 10_000;

/// Most sessions of one person: more devices than anybody has.
pub const SESSIONS_PER_PERSON_MAX: usize = 16;

/// Longest time that somebody takes at the identity provider, in milliseconds; then they begin again.
pub const SIGN_IN_MS_MAX: u64 = 10 * 60 * 1_000;

/// Most people who are at the identity provider at one time; the one who has been there longest begins again.
pub const SIGN_INS_MAX: usize = 10_000;

/// Most tries with a password in a minute for one person from one address.
pub const PASSWORD_TRIES_PER_MINUTE: u32 = 10;

/// Most passwords that are looked at at one time: each takes 19 MiB and keeps a core busy.
pub const PASSWORDS_AT_ONCE_MAX: usize = 2;

/// Most persons with addresses whose tries are remembered before those that are over are forgotten.
pub const TRIES_KEPT_MAX: usize = 10_000;

/// Most entries of the log that one search of an auditor looks at, from its end: a second of work. The page leads on.
pub const AUDIT_ENTRIES_LOOKED_AT_MAX: u64 = 5_000;

/// Largest form, in bytes: the longest reason with every letter escaped.
pub const FORM_BYTES_MAX: usize = 32 * 1024;

/// Most passwords that are looked at or wait for it: a second of work. The next one is told to come back.
pub const PASSWORDS_WAITING_MAX: usize = 32;

/// Most browsers about which the identity provider is asked at one time: one that hangs must not keep the places
/// of the API.
pub const SIGN_INS_ASKED_MAX: usize = 64;

/// Largest form with the document of a policy, in bytes: the longest document that can be proposed with every letter
/// escaped, and the words beside it.
pub const DRAFT_FORM_BYTES_MAX: usize = 640 * 1024;

/// Longest time that a page waits until what it asked for is prepared, in seconds; then it says where that stands.
pub const PAGE_WAIT_SECONDS: u64 = 5;

/// Most looks of a page whether the same form, sent a moment before, has its answer: as long as a page waits.
pub const PAGE_LOOKS_MAX: u64 = PAGE_WAIT_SECONDS * 1_000 / WAIT_LOOK_MS;

/// How many days back figures are asked for, unless somebody says otherwise.
pub const MEASURE_DAYS: u32 = 90;

/// Most periods by which figures are told at once: a year by days.
pub const MEASURE_PERIODS_MAX: i64 = 366;

/// Most changes of the house that a review of a week or a month tells.
pub const HOUSE_CHANGES_MAX: usize = 100;

/// Most intents of each of the house's own types, the newest, in which it looks for changes.
pub const HOUSE_CHANGES_LOOKED_AT_MAX: usize = 600;

/// Most pages of one person that are kept up to date at one time: more windows than anybody looks at.
pub const LIVE_STREAMS_PER_PERSON_MAX: usize = 16;

/// Most pages of one host that are kept up to date: each holds a connection, and half of them stay for whoever asks.
pub const LIVE_STREAMS_MAX: usize = CONNECTIONS_MAX / 2;

/// How often a stream looks whether its session still holds, in milliseconds: whoever signs out hears nothing more after
/// that.
pub const LIVE_LOOK_MS: u64 = 1_000;

/// Longest silence of a stream, in milliseconds: proxies cut off what says nothing for longer than half a minute.
pub const LIVE_KEEP_ALIVE_MS: u64 = 15_000;

/// Least time between two looks of one stream at what has changed, in milliseconds: nobody reads faster.
pub const LIVE_GAP_MS: u64 = 100;

/// How long a browser waits before it opens a stream again that broke, in milliseconds.
pub const LIVE_RETRY_MS: u64 = 2_000;

/// Most intents that one event names; of more than that a page looks at everything anew.
pub const LIVE_INTENTS_MAX: usize = 64;

/// Most intents of which is remembered that a session was shown them: some pages of its inbox.
pub const SHOWN_MAX: usize = 256;
