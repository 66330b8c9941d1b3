//! Points in time as people write them: `24h`, `2026-11-23`, `2026-11-23T12:00:00Z`.

use record::Timestamp;

/// A text that is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time such as 90s, 15m, 24h, 7d, 2026-11-23 or 2026-11-23T12:00:00Z")]
pub struct TimeError(pub String);

/// Reads a time span before `now`, a date or an RFC 3339 timestamp.
pub fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp, TimeError> {
    let wrong = || TimeError(text.to_owned());
    let trimmed = text.trim();
    if let Some((number, unit)) = trimmed.split_at_checked(trimmed.len().saturating_sub(1))
        && let Ok(number) = number.parse::<i64>()
    {
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 7 * 86_400,
            _ => return Err(wrong()),
        };
        let us = number.checked_mul(seconds).and_then(|s| s.checked_mul(1_000_000));
        return us.filter(|us| *us >= 0).map(|us| now.plus_us(-us)).ok_or_else(wrong);
    }
    absolute(trimmed).ok_or_else(wrong)
}

fn absolute(text: &str) -> Option<Timestamp> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let mut next = |digits: usize| -> Option<i64> {
        let field = fields.next()?;
        (field.len() == digits).then(|| field.parse().ok()).flatten()
    };
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    if fields.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let mut us = days_from_civil(year, month, day) * 86_400_000_000;
    if let Some(time) = time {
        us += time_of_day(time)?;
    }
    let stamp = Timestamp(us);
    // A day that the month does not have would come out as another.
    let (y, m, d) = Timestamp(us.div_euclid(86_400_000_000) * 86_400_000_000).date();
    let exact = time.is_some() || (y, i64::from(m), i64::from(d)) == (year, month, day);
    exact.then_some(stamp)
}

/// `hh:mm[:ss[.f]]` with `Z` or an offset, in µs.
fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        None => return None,
        Some(at) => text.split_at(at),
    };
    let mut fields = clock.split(':');
    let hours: i64 = fields.next()?.parse().ok().filter(|h| (0..24).contains(h))?;
    let minutes: i64 = fields.next()?.parse().ok().filter(|m| (0..60).contains(m))?;
    let seconds = fields.next().unwrap_or("0");
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let whole: i64 = whole.parse().ok().filter(|s| (0..=60).contains(s))?;
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let offset = match offset {
        "Z" | "z" => 0,
        offset => {
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let (h, m) = offset.get(1..)?.split_once(':')?;
            sign * (h.parse::<i64>().ok()? * 3600 + m.parse::<i64>().ok()? * 60)
        }
    };
    Some(((hours * 3600 + minutes * 60 + whole - offset) * 1_000_000) + micros)
}

/// Hinnant's days-from-civil, the inverse of [`Timestamp::date`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let now = Timestamp(1_795_435_200_000_000);
        for (text, shown) in [
            ("24h", "2026-11-22T12:00:00.000000Z"),
            ("7d", "2026-11-16T12:00:00.000000Z"),
            ("0s", "2026-11-23T12:00:00.000000Z"),
            ("2026-11-23", "2026-11-23T00:00:00.000000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
            ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00.000000Z"),
            ("2026-11-23T12:00:00.123456+01:00", "2026-11-23T11:00:00.123456Z"),
            ("2026-11-23 12:00Z", "2026-11-23T12:00:00.000000Z"),
        ] {
            assert_eq!(parse_since(text, now).unwrap().to_string(), shown, "{text}");
        }
        for text in
            ["", "h", "24", "24x", "-3h", "2026-13-01", "2026-02-30", "2026-11-23T25:00Z", "é"]
        {
            assert!(parse_since(text, now).is_err(), "{text}");
        }
    }
}
