//! Times as a SAS writes them: ISO 8601, UTC.

use segue_domain::Timestamp;

/// `2026-11-24T04:24:42Z`, whole seconds, rounded down.
pub(crate) fn format(time: Timestamp) -> String {
    let seconds = time.seconds();
    let (year, month, day) = date_of(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Reads what Azure accepts: a date, or a date and a time to the minute, second or fraction of it.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time.strip_suffix('Z')?)),
        None => (text, None),
    };
    let mut fields = date.splitn(3, '-');
    let (year, month, day) =
        (number(fields.next()?, 4)?, number(fields.next()?, 2)?, number(fields.next()?, 2)?);
    if !(1..=12).contains(&month) || day < 1 || date_of(days(year, month, day)) != (year, month, day) {
        return None;
    }
    let mut millis = days(year, month, day) * 86_400_000;
    if let Some(time) = time {
        let mut fields = time.splitn(3, ':');
        let (hour, minute) = (number(fields.next()?, 2)?, number(fields.next()?, 2)?);
        let (second, fraction) = match fields.next() {
            None => (0, 0),
            Some(seconds) => match seconds.split_once('.') {
                None => (number(seconds, 2)?, 0),
                Some((second, fraction)) => (number(second, 2)?, thousandths(fraction)?),
            },
        };
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        millis += ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    }
    Some(Timestamp(millis))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn thousandths(fraction: &str) -> Option<i64> {
    let digits = fraction.bytes().all(|b| b.is_ascii_digit()) && (1..=7).contains(&fraction.len());
    digits.then(|| format!("{fraction:0<3}")[..3].parse().ok())?
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar (Howard Hinnant, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for seconds in [0, 951_782_400, 1_795_494_282, 4_102_444_799, 1_709_164_800] {
            let time = Timestamp::from_seconds(seconds);
            assert_eq!(parse(&format(time)), Some(time));
        }
        assert_eq!(format(Timestamp(1_795_494_282_999)), "2026-11-24T04:24:42Z");
    }

    #[test]
    fn reads_every_form_that_azure_accepts_and_no_other() {
        let day = Timestamp(1_795_478_400_000);
        assert_eq!(parse("2026-11-24"), Some(day));
        assert_eq!(parse("2026-11-24T00:01Z"), Some(Timestamp(day.0 + 60_000)));
        assert_eq!(parse("2026-11-24T00:00:01.5000000Z"), Some(Timestamp(day.0 + 1_500)));
        for bad in [
            "",
            "2026",
            "2026-02-30",
            "2026-13-01",
            "2026-11-24T00:00:00",
            "2026-11-24T24:00Z",
            "2026-11-24T00Z",
            "26-11-24",
            "2026-11-24T00:00:00+01:00",
            "-026-11-24",
            "2026-11-2é",
            "2026-11-24T00:00:00.Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
