//! The configuration's promises: every mistake has its line and the way out, all at once; the
//! environment goes before the file; a secret is never shown.

use super::*;
use countersign_connectors::Security;

/// Reads a configuration with this environment.
fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Problems> {
    let environment = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    read(Path::new("countersign.toml"), text, &environment)
}

/// What is said about a configuration.
fn said(text: &str, variables: &[(&str, &str)]) -> String {
    read_with(text, variables).err().map(|problems| problems.to_string()).unwrap_or_default()
}

#[test]
fn every_mistake_has_its_line_and_the_right_suggestion() {
    let check = |text: &str, expected: &str| assert_eq!(said(text, &[]), expected, "{text}");
    check("[sever]", "countersign.toml:1: there is no `sever`\n  try: `server`");
    check("\n\n[conection.crm]", "countersign.toml:3: there is no `conection`\n  try: `connection`");
    check("[server]\nlisen = \"\"", "countersign.toml:2: there is no `lisen` in `[server]`\n  try: `listen`");
    check(
        "[server]\nshutdown_grace = \"10s\"",
        "countersign.toml:2: there is no `shutdown_grace` in `[server]`\n  try: `shutdown-grace`",
    );
    check(
        "[rules]\n\nfoldr = \".\"",
        "countersign.toml:3: there is no `foldr` in `[rules]`\n  try: `folder`",
    );
    check(
        "[data]\nplace = \"x\"",
        "countersign.toml:2: there is no `place` in `[data]`\n  try: one of folder, database",
    );
    check(
        "[connectors]\nhost = []",
        "countersign.toml:2: there is no `host` in `[connectors]`\n  try: `hosts`",
    );
    check(
        "[server]\nlisten = \"here\"",
        "countersign.toml:2: `listen`: `here` is not an address such as `127.0.0.1:8700`",
    );
    check("[server]\nlisten = 8700", "countersign.toml:2: `listen` is a text: write `listen = \"...\"`");
    check(
        "[server]\nshutdown-grace = \"10\"",
        "countersign.toml:2: `shutdown-grace`: `10` is not a length of time with a unit\n  \
         try: `10s`, `500ms`, `5m` or `2h`",
    );
    check("data = \"data\"", "countersign.toml:1: `data` is a section: write `[data]`");
    check(
        "[data]\ndatabase = \"postgresql://localhost/log\"",
        "countersign.toml:1: `database` of `[data]`: a secret is a reference, `env:NAME`, `file:PATH` or \
         `command:PROGRAM …`, never the secret itself",
    );
    check("[data]\nfolder = [\"a\"]", "countersign.toml:2: `folder` is a text: write `folder = \"...\"`");
    check(
        "[connectors]\ninstall = \"x.wasm\"",
        "countersign.toml:2: `install` is a list: write `install = [\"...\"]`",
    );
    check("[connectors]\ninstall = [\n\"a\",\n1]", "countersign.toml:4: `install` holds texts only");
    check(
        "[trust.acme]\nkeys = [\"ed25519:AAAA\"]",
        "countersign.toml:1: `ed25519:AAAA` of `[trust.acme]` is no key\n  try: `ed25519:` and the public key in base 64, as \
         `countersign connector key` prints it; perhaps `from 2026-01-01T00:00:00Z` and `until 2027-01-01T00:00:00Z` behind \
         it",
    );
    check(
        "trust = \"acme\"",
        "countersign.toml:1: `trust` is a section for each namespace: write `[trust.acme]`",
    );
    check("[trust]\nacme = 1", "countersign.toml:2: `acme` is a section: write `[trust.acme]`");
    check(
        "[connectors]\nunsigned = \"maybe\"",
        "countersign.toml:2: `unsigned` is true or false, without quotes",
    );
    check(
        "[connectors]\nclass-max = \"huge\"",
        "countersign.toml:2: `class-max`: `huge` is none of small, medium, large",
    );
}

#[test]
fn every_mistake_in_a_connection_has_its_line_too() {
    let check = |text: &str, expected: &str| assert_eq!(said(text, &[]), expected, "{text}");
    check(
        "[connection.crm]\nconnector = \"a.b\"\nalow = []",
        "countersign.toml:3: there is no `alow` in `[connection.crm]`\n  try: `allow`",
    );
    check(
        "[connection.crm]\nallow = []",
        "countersign.toml:1: connection `crm` names no connector\n  try: `connector = \"countersign.stripe\"`",
    );
    check(
        "[connection.crm]\nconnector = \"a.b\"\n[connection.crm.rate]\nper_second = 1",
        "countersign.toml:4: there is no `per_second` in `[connection.crm.rate]`\n  try: `per-second`",
    );
    check(
        "[connection.crm]\nconnector = \"a.b\"\n[connection.crm.endpoints.api]\nsecrets = \"env:X\"",
        "countersign.toml:4: there is no `secrets` in `[connection.crm.endpoints.api]`\n  try: `secret`",
    );
    check(
        "[connection.crm]\nconnector = \"a.b\"\n[connection.crm.webhooks.deals]\nsecret = \"env:HOOK\"",
        "countersign.toml:4: secret of `[connection.crm.webhooks.deals]`: the environment has no `HOOK`",
    );
    check(
        "[connection.crm]\nconnector = \"a.b\"\nallow = [\"10.0.0\"]",
        "countersign.toml:1: connection `crm` allows `10.0.0`, which is no address range such as `127.0.0.0/8`",
    );
    let endpoint = "[connection.crm]\nconnector = \"a.b\"\n[connection.crm.endpoints.api]\n";
    check(
        &format!("{endpoint}secret = \"env:CRM_KEY\""),
        "countersign.toml:4: secret of `[connection.crm.endpoints.api]`: the environment has no `CRM_KEY`",
    );
    let missing = said(&format!("{endpoint}secret = \"file:no/such/file\""), &[]);
    assert!(missing.starts_with("countersign.toml:4: ") && missing.contains("`no/such/file`"), "{missing}");
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    let text =
        "[connection.crm]\nconnector = \"a.b\"\n[connection.crm.endpoints.api]\nsecret = \"sk_live_42\"";
    let said = said(text, &[]);
    assert_eq!(
        said,
        "countersign.toml:4: secret of `[connection.crm.endpoints.api]`: a secret is a reference, `env:NAME`, \
         `file:PATH` or `command:PROGRAM …`, never the secret itself"
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    let check = |text: &str, line: usize| {
        let problems = read_with(text, &[]).err().expect("it is refused");
        let lines: Vec<usize> = problems.all().iter().map(|problem| problem.line).collect();
        assert_eq!(lines.first(), Some(&line), "{problems}");
    };
    check("[data]\nfolder = \"data\n", 2);
    check("[data]\nfolder = \"a\"\nfolder = \"b\"", 3);
    check("[data\n", 1);
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_lines() {
    let text =
        "[server]\nlisen = \"\"\n[connectors]\nclass-max = \"huge\"\n[connection.crm]\nconector = \"x\"";
    let problems = read_with(text, &[]).err().expect("it is refused");
    let lines: Vec<usize> = problems.all().iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 4, 5, 6], "{problems}");
}

#[test]
fn the_environment_goes_before_the_file_and_is_named_when_it_is_wrong() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\nshutdown-grace = \"3s\"";
    let settings = read_with(text, &[("COUNTERSIGN__SERVER__LISTEN", "127.0.0.1:2")]).expect("it is read");
    assert_eq!((settings.listen.port(), settings.shutdown_grace), (2, Millis::seconds(3)));
    let file = Path::new("countersign.toml");
    let listens = |text: &str, found: Option<&str>| {
        listens_in(file, text, &|_| found.map(str::to_owned)).map(|address| address.port())
    };
    assert_eq!((listens(text, None), listens(text, Some("127.0.0.1:2"))), (Some(1), Some(2)));
    assert_eq!(
        listens(
            "[sever]
[connection.crm]
conector = 1",
            None
        ),
        None,
        "and nothing else matters"
    );
    let unsigned = |text: &str, environment: &[(&str, &str)]| {
        read_with(text, environment).map(|settings| settings.trust.unsigned).ok()
    };
    let said_so = "[connectors]\nunsigned = true";
    assert_eq!((unsigned("", &[]), unsigned(said_so, &[])), (Some(false), Some(true)));
    assert_eq!(unsigned(said_so, &[("COUNTERSIGN__CONNECTORS__UNSIGNED", "false")]), Some(false));
    assert_eq!(unsigned("", &[("COUNTERSIGN__CONNECTORS__UNSIGNED", "yes")]), None);
    assert_eq!(
        said(text, &[("COUNTERSIGN__SERVER__SHUTDOWN_GRACE", "soon")]),
        "countersign.toml: `COUNTERSIGN__SERVER__SHUTDOWN_GRACE`: `soon` is not a length of time with a unit\n  \
         try: `10s`, `500ms`, `5m` or `2h`"
    );
}

#[test]
fn an_empty_file_is_safe() {
    let settings = read_with("", &[]).expect("it is read");
    assert!(settings.listen.ip().is_loopback());
    assert_eq!(settings.shutdown_grace, Millis::seconds(10));
    assert!(
        settings.grant.hosts.is_empty() && settings.install.is_empty() && settings.connections.is_empty()
    );
}

#[test]
fn a_connection_is_read_with_its_secret() {
    let text = "[connection.crm]\nconnector = \"countersign.tryton\"\n\
                [connection.crm.endpoints.api]\nbase = \"http://127.0.0.1:8000/\"\nsecret = \"env:CRM_KEY\"\n\
                [connection.crm.webhooks.deals]\nsecret = \"env:HOOK\"\n";
    let settings = read_with(text, &[("CRM_KEY", "s3cret"), ("HOOK", "hush")]).expect("it is read");
    let connection = settings.connections.first().expect("one connection");
    assert_eq!(connection.name.to_string(), "crm");
    assert!(connection.endpoints.get("api").is_some_and(|endpoint| endpoint.secret.is_some()));
    assert!(connection.webhooks.contains_key("deals"));
    assert_eq!(connection.address, None);
    let public = format!("[server]\npublic-address = \"https://approvals.example.com/\"\n{text}");
    let settings = read_with(&public, &[("CRM_KEY", "s3cret"), ("HOOK", "hush")]).expect("it is read");
    let connection = settings.connections.first().expect("one connection");
    assert_eq!(connection.address.as_deref(), Some("https://approvals.example.com"));
}

#[test]
fn two_connections_do_not_spend_one_refresh_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("token"), "app:secret\nrefresh-1\n").expect("it is written");
    std::fs::write(path("other"), "app:secret\nrefresh-2\n").expect("it is written");
    std::fs::write(path("key"), "app:secret\n").expect("it is written");
    std::os::unix::fs::symlink(path("token"), path("link")).expect("it is made");
    let connection = |name: &str, file: &str| {
        let file = path(file);
        format!(
            "[connection.{name}]\nconnector = \"a.b\"\n[connection.{name}.endpoints.api]\nsecret = \"file:{}\"\n",
            file.display()
        )
    };
    let both = |one: &str, other: &str| said(&(connection("eu", one) + &connection("us", other)), &[]);
    let refused = "countersign.toml:5: connection `us`: endpoint `api` has its refresh token in the file that endpoint `api` \
                   of connection `eu` names, too; each is good for one of them only\n  try: have the host authorized once \
                   more, and put that refresh token into a file of its own";
    assert_eq!(both("token", "token"), refused);
    assert_eq!(both("token", "link"), refused);
    assert_eq!(both("token", "other"), "");
    assert_eq!(both("key", "key"), "", "what stays as it is can be shared");
}

const CHAT: (&str, &str) = ("CHAT", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

#[test]
fn mail_and_webhooks_are_read_with_their_secrets() {
    let text = "[server]\npublic-address = \"https://countersign.example.com/\"\n\
                [mail]\nserver = \"mail.example.com\"\nport = 2465\nfrom = \"Approvals <a@example.com>\"\n\
                user = \"a\"\npassword = \"env:MAIL\"\n\
                [webhook.chat]\nurl = \"https://hooks.example.com/c\"\nsecret = \"env:CHAT\"\nallow = [\"10.0.0.0/8\"]\n";
    let settings = read_with(text, &[("MAIL", "pw"), CHAT]).unwrap_or_else(|problems| panic!("{problems}"));
    let notify = settings.notify;
    assert_eq!(notify.host.as_deref(), Some("https://countersign.example.com"));
    let mail = notify.mail.expect("a mail server");
    assert_eq!(
        (mail.server.as_str(), mail.port, mail.security),
        ("mail.example.com", Some(2465), Security::Tls)
    );
    assert_eq!(mail.login.map(|(user, _)| user).as_deref(), Some("a"));
    let names: Vec<String> = notify.webhooks.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["chat"]);
    let none = read_with("", &[]).expect("nothing is configured").notify;
    assert!(none.mail.is_none() && none.webhooks.is_empty() && none.host.is_none());
    // The environment goes before the file here too.
    let port = [("MAIL", "pw"), CHAT, ("COUNTERSIGN__MAIL__PORT", "25")];
    let mail = read_with(text, &port).unwrap_or_else(|problems| panic!("{problems}")).notify.mail;
    assert_eq!(mail.and_then(|mail| mail.port), Some(25));
}

#[test]
fn every_mistake_about_telling_people_has_its_line() {
    let check = |text: &str, expected: &str| {
        let found = said(text, &[CHAT, ("SHORT", "whsec_c2hvcnQ=")]);
        assert!(found.contains(expected), "{text}\n{found}");
        assert!(!found.contains("whsec_"), "a secret is never shown: {found}");
    };
    let mail = "[mail]\nserver = \"mail.example.com\"\nfrom = \"a@example.com\"\n";
    let hook = "[webhook.chat]\nurl = \"https://hooks.example.com\"\nsecret = \"env:CHAT\"\n";
    check("[mail]\nfrom = \"a@example.com\"", "countersign.toml:1: `[mail]` has no `server`");
    check(&mail.replace("from", "form"), "countersign.toml:3: there is no `form` in `[mail]`\n  try: `from`");
    check(&format!("{mail}port = 70000"), "countersign.toml:4: `port`: `70000` is not a port");
    check(&format!("{mail}security = \"ssl\""), "`security`: `ssl` is none of tls, starttls, none");
    check(&format!("{mail}security = \"none\""), "unprotected, which is only done on this machine");
    check(&format!("{mail}user = \"a\""), "one of `user` and `password`: both or none");
    check(&format!("{mail}user = \"a\"\npassword = \"hunter2\""), "a secret is a reference");
    check(&mail.replace("a@example.com", "nobody"), "`nobody` is no mail address");
    check(&hook.replace("chat", "Chat"), "`Chat` is not a webhook");
    check(&hook.replace("url =", "uri ="), "countersign.toml:2: there is no `uri` in `[webhook.chat]`");
    check(&hook.replace("https:", "ftp:"), "no address that begins with `https://`");
    check(&hook.replace("env:CHAT", "env:SHORT"), "secret of `[webhook.chat]`: the secret has 5 bytes");
    check(&hook.replace("env:CHAT", "env:GONE"), "the environment has no `GONE`");
    check(&format!("{hook}allow = [\"here\"]"), "`here` is no address range");
    check("[webhook]\nchat = \"x\"", "`chat` is a section: write `[webhook.chat]`");
    check("[server]\npublic-address = \"countersign.example.com\"", "is no address\n  try: `https://");
    check("[server]\npublic-address = \"https://x; rm -r\"", "is no address");
}

#[test]
fn provisioning_has_the_calendar_of_joiners_and_the_address_of_the_host() {
    let text =
        "[server]\npublic-address = \"https://countersign.example.com/\"\n[scim]\ncalendar = \"dublin\"";
    let settings = read_with(text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let provisioning = &settings.provisioning;
    assert_eq!(provisioning.calendar.as_ref().map(CalendarName::as_str), Some("dublin"));
    assert_eq!(provisioning.address.as_deref(), Some("https://countersign.example.com"));
    assert!(read_with("", &[]).is_ok_and(|settings| settings.provisioning.calendar.is_none()));
    let check = |text: &str, expected: &str| assert_eq!(said(text, &[]), expected, "{text}");
    check(
        "[scim]\ncalendar = \"Dub lin\"",
        "countersign.toml:1: `calendar` of `[scim]`: `Dub lin` is no calendar (a-z, 0-9, `-`, `_`)",
    );
    check(
        "[scim]\ncalender = \"dublin\"",
        "countersign.toml:2: there is no `calender` in `[scim]`\n  try: `calendar`",
    );
}
