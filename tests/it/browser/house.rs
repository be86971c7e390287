//! A host with browsers in front of it: the starter's rules, scripted targets, people with passwords and contacts,
//! and a wire that a test has in its hand.

use crate::visitor::{Hand, Visitor};
use crate::wire::Wire;
use crate::world::{Answer, SMALL, Setup, World, small_deal};
use anyhow::{Context as _, Result};
use countersign_connectors::{Cidr, Claim, OpenIdProvider, Secret, SignInOptions};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{Detail, Failure, Guarantee};
use countersign_core::hash::Digest;
use countersign_core::id::PersonId;
use countersign_core::log::note::VerifierKey;
use countersign_core::notice::link::{LinkKey, Links};
use countersign_core::notice::words::{Message, Reached};
use countersign_core::people::Contact;
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_engine::port::Answer as Port;
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::identity::IdentityProvider;
use countersign_engine::port::notifier::{NotDelivered, Notifier};
use countersign_server::password::hashed;
use countersign_server::{LogSigner, PasswordEntry, Passwords, SignIn};
use countersign_tests::servers::{self, CLIENT, CLIENT_SECRET};
use countersign_tests::web_driver::{Browser, Browsers, Scripts};
use countersign_tests::world::{RealClock, root, source_files};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "a long enough password";
/// How often something is looked for that a host does in a moment: 1,000 times 10 ms.
const LOOKS_MAX: u32 = 1_000;
const LOOK_MS: u64 = 10;

/// Who has a password.
const PEOPLE: [&str; 9] = [
    "sales-manager-1",
    "ae-1",
    "ae-2",
    "finance-1",
    "finance-2",
    "pricing-lead",
    "revops-lead",
    "auditor-1",
    "integration-1",
];

/// Keeps what people are told.
struct Told {
    links: Links,
    got: Mutex<Vec<Message>>,
}

impl Told {
    fn got(&self) -> MutexGuard<'_, Vec<Message>> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notifier for Told {
    fn deliver(&self, message: Message) -> Port<'_, Result<Detail, NotDelivered>> {
        self.got().push(message);
        Box::pin(async { Ok(Detail::new("mail", "250 it has it")) })
    }

    fn reaches(&self, _: &Contact) -> bool {
        true
    }

    fn reached(&self) -> Reached<'_> {
        Reached { host: Some(&self.links.host), links: Some(&self.links) }
    }
}

/// The starter's rules, with people who can be told something, and `sam` at the identity provider; `leaver` is not of the house.
pub(crate) fn rules(leaver: &str) -> Result<Rulebook> {
    let mut files: Vec<SourceFile> = source_files(&root().join("host/cli/starter"))?;
    let rows = "## Accounts\n\n| person | account |\n|---|---|\n| sales-manager-1 | sam |\n\n\
                ## Contacts\n\n| person | by | address |\n|---|---|---|\n| sales-manager-1 | mail | sam@example.com |\n\
                | ae-1 | mail | ae@example.com |\n\n## Pools";
    for file in files.iter_mut().filter(|file| file.path == "people.md") {
        file.text = file.text.replacen("## Pools", rows, 1);
        if !leaver.is_empty() {
            let mentions = |line: &&str| !line.contains(&format!("| {leaver} "));
            file.text = file.text.lines().filter(mentions).collect::<Vec<_>>().join("\n") + "\n";
            file.text = file.text.replace(&format!(", {leaver}"), "");
        }
    }
    Rulebook::load(&files).map_err(|faults| anyhow::anyhow!("{faults:#?}"))
}

/// What signs the log: what it makes stands for a signature.
fn signer() -> Option<LogSigner> {
    let sign = |text: &[u8]| {
        let half = Digest::of(text).0;
        std::array::from_fn(|place| half[place % half.len()])
    };
    let public = VerifierKey::of("acme.example/approvals", [7; 32])?;
    Some(LogSigner { public, sign: Arc::new(sign) })
}

/// The password as a host keeps it: made once, as it costs what it should.
fn kept() -> Result<&'static str> {
    static KEPT: OnceLock<String> = OnceLock::new();
    if let Some(kept) = KEPT.get() {
        return Ok(kept);
    }
    let made = hashed(PASSWORD).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    Ok(KEPT.get_or_init(|| made))
}

/// An intent of the house.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    /// Its address in the API.
    pub(crate) place: String,
    /// Its page.
    pub(crate) page: String,
}

/// A host and all around it.
pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) wire: Wire,
    told: Arc<Told>,
    browsers: Arc<Browsers>,
    keys: AtomicU32,
    _provider: Option<servers::OpenIdProvider>,
}

impl House {
    /// Opens it.
    pub(crate) async fn open() -> Result<House> {
        House::of(Wire::new().await?, None, None).await
    }

    /// Opens one whose people sign in by a provider that nobody here wrote, too.
    pub(crate) async fn with_provider() -> Result<House> {
        let wire = Wire::new().await?;
        let back = format!("{}/sign-in/back", wire.base());
        let running = tokio::task::spawn_blocking(move || servers::OpenIdProvider::start(&back)).await??;
        let options = SignInOptions {
            issuer: running.issuer(),
            client: CLIENT.to_owned(),
            secret: Some(Secret::new(CLIENT_SECRET.to_owned())),
            claim: Claim::Subject,
            allow: Cidr::parse("127.0.0.0/8").into_iter().collect(),
            host: wire.base(),
        };
        let provider = OpenIdProvider::new(options).map_err(anyhow::Error::msg)?;
        let house = House::of(wire, Some(Arc::new(provider)), Some(running)).await?;
        // What the provider signs has its own time.
        house.world.clock.set(RealClock.now());
        Ok(house)
    }

    async fn of(
        wire: Wire,
        provider: Option<Arc<dyn IdentityProvider>>,
        running: Option<servers::OpenIdProvider>,
    ) -> Result<House> {
        let browsers = tokio::task::spawn_blocking(Browsers::shared).await??;
        let links = Links { host: wire.base(), key: LinkKey::new([9; 32]) };
        let told = Arc::new(Told { links: links.clone(), got: Mutex::default() });
        let passwords = Passwords::default();
        let entry = |person: &str| {
            anyhow::Ok(PasswordEntry { person: PersonId::parse(person)?, argon2id: kept()?.to_owned() })
        };
        let entries = PEOPLE.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
        passwords.replace(entries).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let wants = ["to send requests to `api`", "to keep up to 64 MiB in memory"];
        let world = World::of(Setup {
            rulebook: rules("")?,
            connectors: Some(small_deal(Guarantee::ByNaturalKey).asking(&wants[..1], &wants)),
            upgraded: true,
            log_signer: signer(),
            notifier: Arc::clone(&told) as Arc<_>,
            sign_in: SignIn {
                address: Some(wire.base()),
                links: Some(links),
                provider,
                passwords: Arc::new(passwords),
            },
            ..Setup::default()
        })
        .await;
        wire.leads_to(world.address);
        Ok(House { world, wire, told, browsers, keys: AtomicU32::new(0), _provider: running })
    }

    /// A browser of its own.
    pub(crate) async fn browser(&self, scripts: Scripts) -> Result<Browser> {
        Arc::clone(&self.browsers).one(scripts).await
    }

    /// Somebody with a browser.
    pub(crate) async fn visitor(&self, hand: Hand) -> Result<Visitor> {
        let session = self.browser(hand.scripts()).await?;
        Ok(Visitor { session, hand, base: self.wire.base() })
    }

    /// A key that nobody has used.
    pub(crate) fn key(&self) -> String {
        format!("k-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    /// A small discount that waits for the manager.
    pub(crate) async fn small(&self) -> Result<Intent> {
        self.submitted(SMALL).await
    }

    /// The same below the margin floor: it waits for two of finance and the manager.
    pub(crate) async fn below_the_floor(&self) -> Result<Intent> {
        let thin = [("margin", Value::Decimal("14".to_owned())), ("renewal", Value::Flag(false))];
        self.world.connectors.put("crm", "quote", "q-1", &thin);
        self.small().await
    }

    /// What somebody asks for.
    pub(crate) async fn submitted(&self, body: &str) -> Result<Intent> {
        let place = self.world.submitted(&self.key(), body).await;
        let page = place.strip_prefix("/v1").context("a place of the API")?.to_owned();
        Ok(Intent { place, page })
    }

    /// What somebody says through the API about a revision of an intent.
    pub(crate) async fn says(
        &self,
        person: &str,
        intent: &Intent,
        below: &str,
        revision: u32,
        body: &str,
    ) -> Result<Answer> {
        let (key, tag) = (self.key(), format!("\"{revision}\""));
        let headers = [("idempotency-key", key.as_str()), ("if-match", tag.as_str())];
        let answer =
            self.world.send(person, "POST", &format!("{}/{below}", intent.place), &headers, body).await;
        anyhow::ensure!(answer.status == 200, "{person}, {below}: {}", answer.text);
        Ok(answer)
    }

    /// An intent that cannot be decided, and the page of its exception, which somebody answers for.
    pub(crate) async fn broken(&self, owner: &str) -> Result<(Intent, String)> {
        let detail = Detail::new("gone", "the account was deleted");
        self.world.connectors.next_read(Failure::Rejected { fields: Vec::new(), detail });
        let intent = self.small().await?;
        for _ in 0..LOOKS_MAX {
            let answer = self.world.get(owner, &intent.place).await;
            if let Some(id) = answer.json["exceptions"][0]["id"].as_str() {
                let page = format!("{}/exceptions/{id}", intent.page);
                return Ok((intent, page));
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        anyhow::bail!("{} has no exception", intent.page)
    }

    /// The state of an intent.
    pub(crate) async fn state(&self, intent: &Intent) -> String {
        let answer = self.world.get("ae-1", &intent.place).await;
        answer.json["state"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an intent is in a state.
    pub(crate) async fn comes_to(&self, intent: &Intent, state: &str) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            if self.state(intent).await == state {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        anyhow::bail!("it is {} and not {state}", self.state(intent).await)
    }

    /// How often words stand in the record of an intent.
    pub(crate) async fn on_record(&self, intent: &Intent, words: &str) -> usize {
        let story = self.world.get("ae-1", &format!("{}/timeline", intent.place)).await;
        story.text.matches(words).count()
    }

    /// The pages behind the links of the first message to somebody about an intent, by their verbs.
    pub(crate) async fn links(&self, person: &str, intent: &Intent) -> Result<Vec<(String, String)>> {
        let id = intent.place.rsplit('/').next().context("an id")?;
        for _ in 0..LOOKS_MAX {
            let text = self
                .told
                .got()
                .iter()
                .find(|message| {
                    message.to.as_str() == person && message.text.contains(&format!("/links/{id}/"))
                })
                .map(|message| message.text.clone());
            if let Some(text) = text {
                let before = format!(": {}", self.wire.base());
                let lines = text.lines().filter_map(|line| line.trim().split_once(before.as_str()));
                let links = lines.filter(|(_, path)| path.starts_with("/links/"));
                return Ok(links.map(|(verb, path)| (verb.to_owned(), path.to_owned())).collect());
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        anyhow::bail!("{person} was not told of {id}")
    }

    /// One of them.
    pub(crate) async fn link(&self, person: &str, intent: &Intent, verb: &str) -> Result<String> {
        let links = self.links(person, intent).await?;
        let found = links.iter().find(|(known, _)| known == verb);
        Ok(found.with_context(|| format!("no {verb} in {links:?}"))?.1.clone())
    }
}
