//! The documented codes: each has one status, one title and one page, and the page is the title's
//! only source.

use axum::http::StatusCode;

/// One documented code.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The code, such as `CS-E0105`.
    pub code: &'static str,
    /// The HTTP status of every answer with this code.
    pub status: u16,
    /// Its page: what it means, why it happens, what to do, an example.
    pub page: &'static str,
}

impl Code {
    /// The code called `code`; an undocumented one is our bug and is answered as one.
    #[must_use]
    pub fn of(code: &str) -> &'static Code {
        Code::find(code).unwrap_or(&BUG)
    }

    /// The code called `code`, if there is one.
    #[must_use]
    pub fn find(code: &str) -> Option<&'static Code> {
        CODES.iter().find(|known| known.code == code)
    }

    /// Its title: the heading of its page behind the code.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let heading = self.page.lines().next().unwrap_or_default();
        heading.split_once(": ").map_or(heading, |(_, title)| title)
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

macro_rules! code {
    ($code:literal, $status:literal) => {
        Code { code: $code, status: $status, page: include_str!(concat!("../../docs/errors/", $code, ".md")) }
    };
}

/// What stands for a failure that nobody foresaw.
static BUG: Code = code!("CS-E0307", 500);

/// The status-code policy: every code with its status.
pub static CODES: &[Code] = &[
    // Refusals: a rule says no.
    code!("CS-E0101", 404),
    code!("CS-E0102", 422),
    code!("CS-E0103", 422),
    code!("CS-E0104", 403),
    code!("CS-E0105", 422),
    code!("CS-E0106", 412),
    code!("CS-E0107", 409),
    code!("CS-E0108", 409),
    code!("CS-E0109", 409),
    code!("CS-E0110", 403),
    code!("CS-E0111", 403),
    code!("CS-E0112", 409),
    code!("CS-E0113", 403),
    code!("CS-E0114", 422),
    code!("CS-E0115", 404),
    code!("CS-E0116", 403),
    code!("CS-E0117", 409),
    code!("CS-E0118", 409),
    code!("CS-E0119", 422),
    code!("CS-E0120", 422),
    code!("CS-E0121", 403),
    code!("CS-E0122", 409),
    code!("CS-E0123", 409),
    code!("CS-E0124", 422),
    code!("CS-E0125", 409),
    code!("CS-E0126", 409),
    code!("CS-E0127", 409),
    code!("CS-E0128", 422),
    code!("CS-E0129", 409),
    code!("CS-E0130", 422),
    code!("CS-E0131", 422),
    code!("CS-E0132", 403),
    code!("CS-E0133", 422),
    code!("CS-E0134", 422),
    code!("CS-E0135", 403),
    code!("CS-E0136", 409),
    code!("CS-E0137", 403),
    code!("CS-E0138", 403),
    code!("CS-E0139", 403),
    code!("CS-E0140", 409),
    code!("CS-E0141", 409),
    code!("CS-E0142", 403),
    code!("CS-E0143", 403),
    code!("CS-E0144", 409),
    code!("CS-E0145", 409),
    code!("CS-E0146", 409),
    code!("CS-E0150", 403),
    code!("CS-E0151", 403),
    code!("CS-E0152", 422),
    code!("CS-E0153", 409),
    code!("CS-E0154", 422),
    code!("CS-E0155", 409),
    code!("CS-E0156", 409),
    code!("CS-E0157", 409),
    code!("CS-E0158", 409),
    code!("CS-E0170", 409),
    code!("CS-E0171", 409),
    code!("CS-E0180", 422),
    code!("CS-E0181", 409),
    code!("CS-E0182", 403),
    code!("CS-E0183", 422),
    code!("CS-E0184", 409),
    code!("CS-E0185", 422),
    code!("CS-E0186", 409),
    code!("CS-E0187", 409),
    code!("CS-E0159", 409),
    code!("CS-E0160", 409),
    code!("CS-E0161", 409),
    code!("CS-E0162", 422),
    code!("CS-E0163", 404),
    code!("CS-E0164", 403),
    code!("CS-E0165", 422),
    code!("CS-E0166", 409),
    code!("CS-E0167", 422),
    code!("CS-E0168", 422),
    code!("CS-E0169", 404),
    code!("CS-E0190", 403),
    // Faults at the door: the request cannot be taken as it is.
    code!("CS-E0201", 400),
    code!("CS-E0202", 413),
    code!("CS-E0203", 422),
    code!("CS-E0204", 415),
    code!("CS-E0205", 401),
    code!("CS-E0206", 400),
    code!("CS-E0207", 403),
    code!("CS-E0208", 404),
    code!("CS-E0209", 405),
    code!("CS-E0210", 400),
    code!("CS-E0211", 400),
    code!("CS-E0212", 400),
    code!("CS-E0213", 422),
    code!("CS-E0214", 409),
    code!("CS-E0215", 428),
    code!("CS-E0216", 412),
    code!("CS-E0217", 429),
    code!("CS-E0218", 408),
    code!("CS-E0219", 400),
    code!("CS-E0220", 404),
    code!("CS-E0221", 422),
    code!("CS-E0222", 403),
    code!("CS-E0223", 403),
    code!("CS-E0224", 403),
    code!("CS-E0225", 409),
    code!("CS-E0226", 409),
    code!("CS-E0227", 404),
    code!("CS-E0228", 409),
    code!("CS-E0229", 409),
    code!("CS-E0230", 409),
    code!("CS-E0231", 409),
    code!("CS-E0232", 409),
    code!("CS-E0233", 409),
    code!("CS-E0234", 422),
    code!("CS-E0235", 409),
    code!("CS-E0236", 409),
    code!("CS-E0237", 401),
    code!("CS-E0238", 409),
    code!("CS-E0239", 404),
    code!("CS-E0240", 409),
    code!("CS-E0241", 404),
    code!("CS-E0242", 409),
    code!("CS-E0243", 403),
    code!("CS-E0244", 403),
    code!("CS-E0255", 503),
    code!("CS-E0256", 409),
    code!("CS-E0257", 403),
    code!("CS-E0258", 422),
    code!("CS-E0260", 429),
    // Faults of the host and its store.
    code!("CS-E0301", 507),
    code!("CS-E0302", 429),
    code!("CS-E0303", 503),
    code!("CS-E0304", 500),
    code!("CS-E0305", 503),
    code!("CS-E0306", 504),
    code!("CS-E0307", 500),
    code!("CS-E0308", 422),
    code!("CS-E0309", 503),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_heads_its_page() {
        for (index, code) in CODES.iter().enumerate() {
            let again = CODES.iter().skip(index + 1).any(|other| other.code == code.code);
            assert!(!again, "{} stands twice", code.code);
            assert!(code.page.starts_with(&format!("# {}: ", code.code)), "{}", code.code);
            assert!(!code.title().is_empty() && code.status().as_u16() == code.status, "{}", code.code);
        }
    }

    #[test]
    fn every_page_has_the_four_parts() {
        for code in CODES {
            for part in ["## What it means", "## Why it happens", "## What to do", "## Example"] {
                assert!(code.page.contains(part), "{} lacks {part}", code.code);
            }
        }
    }
}
