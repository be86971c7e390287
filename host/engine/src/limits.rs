//! The engine's limits, each with its unit and its reason.

/// Longest body of a delivery, in bytes. Vendors send less than a fifth of it.
pub const DELIVERY_BYTES_MAX: usize = 256 * 1024;

/// Shortest and longest time until a delivery is looked at again that its connector could not be asked about, in
/// milliseconds. In between it is as long as the delivery has waited already.
pub const DELIVERY_WAIT_MS_MIN: u64 = 5_000;
/// The longest: see [`DELIVERY_WAIT_MS_MIN`].
pub const DELIVERY_WAIT_MS_MAX: u64 = 15 * 60 * 1_000;

/// How long a delivery is tried, in milliseconds: about as long as vendors try to deliver one.
pub const DELIVERY_AGE_MS_MAX: u64 = 3 * 24 * 60 * 60 * 1_000;

/// How long it is tried to read a record back that a delivery says has changed, in milliseconds; then it is read when its
/// turn comes.
pub const DELIVERY_LOOK_MS_MAX: u64 = 60 * 60 * 1_000;

/// Most intents that one delivery may ask for.
pub const DELIVERY_WISHES_MAX: usize = 50;

/// Most records that one delivery may name as changed.
pub const DELIVERY_RECORDS_MAX: usize = 200;

/// Most errands that are worked on or wait for a connection at one time. Above it they stay in the
/// store, where they cost nothing.
pub const ERRANDS_IN_FLIGHT_MAX: usize = 1_024;

/// Most notices that are on their way or wait for their turn at one time, beside the errands above: a mail
/// server that does not answer must not hold up effects and timers. Above it they stay in the store.
pub const NOTICES_IN_FLIGHT_MAX: usize = 256;

/// Most mails that are sent at one time; mail servers commonly bear ten connections of one client.
pub const MAILS_AT_ONCE: usize = 4;

/// Most webhooks that are called at one time.
pub const WEBHOOKS_AT_ONCE: usize = 8;

/// Most approvals whose state is kept in memory between commands. One that waits for a person is
/// not kept: it is read again when somebody decides.
pub const APPROVALS_HOT_MAX: usize = 4_096;

/// Longest time between two looks at the store for due errands, in milliseconds. Commits wake the
/// scheduler at once; this bounds what a jump of the wall clock can delay.
pub const SCHEDULE_WAIT_MS_MAX: u64 = 1_000;

/// Shortest time between two looks at the store that no commit asked for, in milliseconds. Under load
/// some errand is always due in a moment, most were begun by the commit that made them, and a look
/// reads all that are due; no schedule is finer than this.
pub const SCHEDULE_WAIT_MS_MIN: u64 = 10;

/// How often a command is decided again after another one came first.
pub const CONFLICTS_MAX: u32 = 8;

/// Delay before an errand is looked at again after the store or the engine failed on it, in
/// milliseconds.
pub const ERRAND_FAULT_DELAY_MS: u64 = 1_000;

/// Most rows that are read to compute one counter over the log.
pub const COUNTER_ROWS_MAX: usize = 10_000;

/// Most attempts at one connection at one time, if its manifest and the operator say nothing.
pub const CONNECTION_CONCURRENT_DEFAULT: usize = 16;

/// Most attempts and probes that wait for their turn at one connection; more stay in the store.
pub const GATE_WAITING_MAX: usize = 1_024;

/// How long what finds as many waiting stays in the store, in milliseconds, and up to as long again.
pub const GATE_FULL_MS: u64 = 500;

/// How often a target is asked what has changed there, in milliseconds, and up to as much again.
pub const FOLLOW_MS: u64 = 30_000;
/// How many changed records are asked for at one time.
pub const FOLLOW_ITEMS: u32 = 200;
/// Most pages of them in a row.
pub const FOLLOW_PAGES_MAX: usize = 50;
/// Time between two entries about how far a target was followed, in milliseconds.
pub const FOLLOW_NOTE_GAP_MS: u64 = 600_000;
/// How long it may stay off the record how far a target was followed, in milliseconds, where nothing of ours had changed.
pub const FOLLOW_NOTE_MS: u64 = 3_600_000;

/// How long what finds its connection paused stays in the store, in milliseconds, and up to as long again:
/// within a minute after it is resumed all goes on.
pub const PAUSED_LOOK_MS: u64 = 30_000;

/// How many intents in a row break a connector when it is left alone: what one asks for may be what is at fault.
pub const QUARANTINE_INTENTS: usize = 3;

/// How long a target has failed when whoever answers for it is told, in milliseconds.
pub const UNAVAILABLE_TOLD_MS: u64 = 600_000;

/// Shortest time between two counts of what stands open, in milliseconds: what is wrong is seen within ten seconds, also
/// by whoever asks every five.
pub const OPEN_LOOK_MS: u64 = 4_000;
/// So many times as long as a count took nothing is counted again: it takes a twentieth of one core at most.
pub const OPEN_LOOK_SHARE: u64 = 20;
/// Most rows of one kind that are counted; more are said to be as many.
pub const OPEN_ROWS_MAX: usize = 100_000;

/// Longest idempotency key of a caller, in bytes.
pub const CALLER_KEY_BYTES_MAX: usize = 255;

/// Most questions to candidates in the shadow that are on their way at one time: what comes beyond is not asked, so that
/// they never hold up what is.
pub const SHADOW_AT_ONCE: usize = 4;

/// Intents at which a candidate may break in the shadow before it is dropped.
pub const SHADOW_BREAKS_MAX: usize = 3;

/// Most facts and plans that are read at one time for one approval.
pub const PREPARE_READS_AT_ONCE: usize = 8;

/// How long the verdict of one attempt waits for the attempts of the same approval that still run,
/// in milliseconds, so that they are recorded in one commit. Effects of one approval begin at the
/// same moment, so most end within it.
pub const VERDICT_WAIT_MS: u64 = 2;

/// Most intents that are undecided at one moment of the log while history is read; what is needed of
/// each is held, some 3 KB of it. Reading further back or fewer types holds less.
pub const HISTORY_OPEN_MAX: usize = 100_000;

/// Furthest that history may be cut off, in days: ten years.
pub const HISTORY_DAYS_MAX: u32 = 3_660;

/// Entries that are read from the log at a time for history; other work gets its turn in between.
pub const HISTORY_PAGE_ENTRIES: usize = 256;

/// Longest line of a file of recorded intents, in bytes: what an entry of the log may have.
pub const HISTORY_LINE_BYTES_MAX: usize = 1024 * 1024;

/// Most lines of a file of recorded intents.
pub const HISTORY_LINES_MAX: u64 = 10_000_000;

/// Most faults of a file of recorded intents that are listed; the rest is counted.
pub const HISTORY_FAULTS_MAX: usize = 100;

/// How far back a change of a policy is tried on the record before anybody decides on it, in days.
pub const EVIDENCE_DAYS: u32 = 90;

/// How long reading the record for that may take, in milliseconds; then the change is shown without.
pub const EVIDENCE_MS_MAX: u64 = 30_000;

/// How long the log may take to be read from its beginning when an intent type is to go live, in milliseconds; then
/// its audit trail is not shown.
pub const TRAIL_MS_MAX: u64 = 600_000;

/// Most times that intent types went live which a log can hold: all of them are read at the start.
pub const WENT_LIVE_MAX: usize = 10_000;

/// Most versions of policies that a log can hold: all of them are read at the start.
pub const PUBLISHED_MAX: usize = 10_000;

/// Most changes of policies that are proved at one time: each keeps a core busy.
pub const PROOFS_AT_ONCE: usize = 2;

/// How long after a start or a change of the rules everything that waits for a person is looked up
/// again, in milliseconds: well within the minute in which a leaver's seats must move.
pub const REVIEW_DELAY_MS: u64 = 1_000;

/// Rows that are read at a time for that.
pub const REVIEW_ROWS: usize = 100;

/// How many looks in a row, each at most a second after the other, bring forward what waits once a clock was set back:
/// what was under way then may have been put off by it.
pub const BRING_FORWARD_LOOKS: u32 = 10;

/// Entries after which the record of people, or of a connection, goes on in another stream: what one command adds still
/// fits into a stream of the store.
pub const RECORD_STREAM_ENTRIES: u64 = 9_000;

/// Most streams of one such record: all of them are read before it counts.
pub const RECORD_STREAMS_MAX: u32 = 200;

/// How long what is to be written again waits when its target cannot be asked, in milliseconds.
pub const RE_ASSERT_DELAY_MS: u64 = 60_000;

/// Most intents that are looked through for whoever wrote the same record: the newest of them.
pub const RECORD_INTENTS_MAX: usize = 1_000;

/// Most intents that are counted in which one person of a fair pool answers for an open seat: beyond that all are as
/// busy.
pub const LOAD_MAX: u32 = 200;

/// Most upgrades of connectors that were accepted: they are read at each start.
pub const UPGRADES_MAX: usize = 10_000;

/// Most refused tries that wait to be put on record; more than that are only counted. A store that stands still for some
/// seconds loses none of them.
pub const DENIED_WAITING_MAX: usize = 1_024;

/// How often the figures over the log are brought up to date while nobody asks for them, in milliseconds.
pub const MEASURES_LOOK_MS: u64 = 10_000;

/// Entries that are read from the log at a time for them; other work gets its turn in between.
pub const MEASURES_PAGE_ENTRIES: usize = 256;

/// Most entries that whoever asks for figures waits for, about a second by estimate. While there are more they are
/// told how far it is.
pub const MEASURES_BEHIND_MAX: u64 = 20_000;

/// Most changes that are kept for those who watch what the log grows by: hours of a house in which people decide. Whoever
/// was away for longer looks at everything anew.
pub const GROWN_KEPT_MAX: usize = 4_096;
