//! The same as a picture: for each intent type a lane from where it is asked, over its policy and those who decide, to
//! what is written. One file of SVG that every browser shows, light or dark.

use countersign_server::api::view::{OwnedConnectionView, OwnedTypeView};

/// Width of a box, and of the way to the next one, in pixels.
const BOX: usize = 220;
const WAY: usize = 50;
/// Height of a line of text, in pixels.
const LINE: usize = 18;
/// Room inside a box, between boxes, and around everything, in pixels.
const INSIDE: usize = 10;
const BETWEEN: usize = 12;
const AROUND: usize = 24;
/// Letters that fit into a line of a box.
const LETTERS: usize = 26;
/// Columns: asked, answered, decided, written.
const HEADINGS: [&str; 4] = ["asked for in", "answered by", "decided by", "written to"];

/// One box: its heading, and what stands below it.
struct Tile {
    heading: String,
    lines: Vec<String>,
}

impl Tile {
    fn new(heading: &str, below: &[String]) -> Tile {
        let lines = below.iter().flat_map(|line| wrapped(line)).collect();
        Tile { heading: shortened(heading), lines }
    }

    fn height(&self) -> usize {
        2 * INSIDE + LINE * (1 + self.lines.len())
    }
}

/// A text that is cut where it has no room.
fn shortened(text: &str) -> String {
    if text.chars().count() <= LETTERS {
        return text.to_owned();
    }
    text.chars().take(LETTERS - 1).chain(['…']).collect()
}

/// A text in lines that have room.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let word = shortened(word);
        let last = lines
            .last_mut()
            .filter(|line| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= LETTERS);
        match last {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) => {
                line.push(' ');
                line.push_str(&word);
            }
            None => lines.push(word),
        }
    }
    lines
}

/// The four columns of one intent type.
fn lane(owned: &OwnedTypeView, connections: &[OwnedConnectionView]) -> [Vec<Tile>; 4] {
    let policy = match &owned.policy_owner {
        Some(owner) => format!("policy of pool {}", owner.pool),
        None => "no policy".to_owned(),
    };
    let on_failure = format!("{}, fails {}", owned.state, owned.fail_mode);
    let seats = owned.seats.iter().map(|seat| {
        let heading = format!("{} {}", seat.route, seat.step);
        Tile::new(&heading, &[seat.whom.clone(), format!("{} within {}", seat.need, seat.within)])
    });
    let targets = owned.destinations.iter().map(|name| {
        let connection = connections.iter().find(|connection| connection.name == *name);
        let owner = connection.and_then(|connection| connection.integration_owner.as_ref());
        let mut below = vec![owner.map_or("operators".to_owned(), |owner| format!("pool {}", owner.pool))];
        if connection.is_some_and(|connection| !connection.configured) {
            below.push("not configured".to_owned());
        }
        Tile::new(name, &below)
    });
    [
        vec![Tile::new(&owned.source, std::slice::from_ref(&owned.trigger))],
        vec![Tile::new(&owned.name, &[policy, on_failure])],
        seats.collect(),
        targets.collect(),
    ]
}

/// How high a column is.
fn height(tiles: &[Tile]) -> usize {
    let boxes: usize = tiles.iter().map(Tile::height).sum();
    boxes + BETWEEN * tiles.len().saturating_sub(1)
}

fn left(column: usize) -> usize {
    AROUND + column * (BOX + WAY)
}

/// Text that XML takes as text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The picture of these intent types.
pub(super) fn svg(types: &[&OwnedTypeView], connections: &[OwnedConnectionView]) -> String {
    let lanes: Vec<[Vec<Tile>; 4]> = types.iter().map(|owned| lane(owned, connections)).collect();
    let (mut body, mut top) = (String::new(), AROUND + 2 * LINE);
    for (column, heading) in HEADINGS.iter().enumerate() {
        text(&mut body, (left(column), AROUND + LINE), "heading", heading);
    }
    for columns in &lanes {
        let high = columns.iter().map(|tiles| height(tiles)).max().unwrap_or_default();
        drawn(&mut body, columns, (top, high));
        top += high + 2 * BETWEEN;
        let line = format!("<path class=\"rule\" d=\"M{AROUND} {} H{}\"/>\n", top - BETWEEN, left(3) + BOX);
        body.push_str(&line);
    }
    let (width, height) = (left(3) + BOX + AROUND, top + AROUND);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>Who asks, answers, decides, and what is written</title>\n{STYLE}{body}</svg>\n"
    )
}

/// Colours and letters, for light and dark.
const STYLE: &str = "<style>\n\
    svg { background: #fdfdfc; font: 14px system-ui, sans-serif }\n\
    rect { fill: #f2f3f1; stroke: #7d868f } path { fill: none; stroke: #7d868f } .rule { stroke: #dcdfdb }\n\
    text { fill: #1c2127 } .faint { fill: #56606b } .heading { fill: #56606b; font-weight: 600 } .name { font-weight: 600 }\n\
    @media (prefers-color-scheme: dark) {\n\
    svg { background: #15181b } rect { fill: #1e2327; stroke: #818a93 } path { stroke: #818a93 } .rule { stroke: #33393f }\n\
    text { fill: #e6e9ec } .faint, .heading { fill: #a4adb6 } }\n\
    </style>\n";

fn text(body: &mut String, (x, y): (usize, usize), class: &str, words: &str) {
    let line = format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>\n", escaped(words));
    body.push_str(&line);
}

/// Draws a lane: each column in the middle of its height. The ways from the boxes of a column to those of the next one
/// meet halfway, so that they stay few.
fn drawn(body: &mut String, columns: &[Vec<Tile>; 4], (top, high): (usize, usize)) {
    let centre = top + high / 2;
    let last = columns.iter().rposition(|tiles| !tiles.is_empty()).unwrap_or_default();
    for (column, tiles) in columns.iter().enumerate().take(last + 1) {
        let (x, mut y) = (left(column), top + (high - height(tiles)) / 2);
        let (before, behind) = (x.saturating_sub(WAY / 2), x + BOX + WAY / 2);
        if tiles.is_empty() {
            way(body, (before, centre), (behind, centre));
        }
        for tile in tiles {
            let middle = y + tile.height() / 2;
            if column > 0 {
                way(body, (before, centre), (x, middle));
            }
            if column < last {
                way(body, (x + BOX, middle), (behind, centre));
            }
            drawn_tile(body, tile, (x, y));
            y += tile.height() + BETWEEN;
        }
    }
}

fn way(body: &mut String, (from, at): (usize, usize), (to, there): (usize, usize)) {
    let half = from.midpoint(to);
    body.push_str(&format!("<path d=\"M{from} {at} C{half} {at} {half} {there} {to} {there}\"/>\n"));
}

fn drawn_tile(body: &mut String, tile: &Tile, (x, y): (usize, usize)) {
    let frame =
        format!("<rect x=\"{x}\" y=\"{y}\" width=\"{BOX}\" height=\"{}\" rx=\"6\"/>\n", tile.height());
    body.push_str(&frame);
    text(body, (x + INSIDE, y + INSIDE + LINE - 4), "name", &tile.heading);
    for (number, line) in tile.lines.iter().enumerate() {
        text(body, (x + INSIDE, y + INSIDE + LINE * (number + 2) - 4), "faint", line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_broken_between_words_and_cut_where_they_have_no_room() {
        let lines = ["pool revenue-operations", "within 16 business hours"];
        assert_eq!(wrapped("pool revenue-operations within 16 business hours"), lines);
        assert_eq!(wrapped(&"x".repeat(40)), [format!("{}…", "x".repeat(LETTERS - 1))]);
        assert_eq!(escaped("a<b & \"c\"\u{7}"), "a&lt;b &amp; &quot;c&quot;\u{fffd}");
    }

    #[test]
    fn a_picture_names_who_asks_answers_decides_and_what_is_written() {
        let pool = |name: &str| json!({"pool": name, "members": []});
        let seat = json!({"route": "manager", "step": 1, "whom": "manager of <requester>", "people": [], "need": "1",
            "within": "8 business hours", "backup": [], "finally": "decline", "rules": 1});
        let owned: OwnedTypeView = serde_json::from_value(json!({
            "name": "discount", "state": "live", "impact": "money", "owner": pool("deal-desk"),
            "policy_owner": pool("pricing"), "incident_owner": pool("integrations"), "fallback_owner": "vp",
            "source": "crm", "trigger": "button", "destinations": ["crm", "billing"], "fail_mode": "closed",
            "enforcement": "hard", "qa_checkpoint": "", "reporting": [], "seats": [seat], "exceptions": [],
            "lacking": [],
        }))
        .expect("a view");
        let connections: Vec<OwnedConnectionView> = serde_json::from_value(json!([
            {"name": "billing", "integration_owner": pool("billing-owners"), "configured": false},
            {"name": "crm", "configured": true},
        ]))
        .expect("views");
        let svg = svg(&[&owned], &connections);
        for words in [
            ">discount<",
            ">policy of pool pricing<",
            ">live, fails closed<",
            ">manager 1<",
            ">manager of &lt;requester&gt;<",
            ">1 within 8 business hours<",
            ">billing<",
            ">pool billing-owners<",
            ">not configured<",
            ">operators<",
        ] {
            assert!(svg.contains(words), "{words}: {svg}");
        }
        assert_eq!(svg.matches("<rect ").count(), 5, "asked, answered, one seat, two targets: {svg}");
        assert_eq!(svg.matches("<path d=").count(), 7, "each box has its ways: {svg}");
    }
}
