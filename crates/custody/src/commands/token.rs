//! `custody token`: access tokens, which prove who is asking.

use access::{AccessError, Naming, TokenFile, TokenRow};
use anyhow::anyhow;
use ledger::SystemClock;
use record::{Clock as _, Timestamp};
use serde_json::{Value, json};

use crate::cli::{CreateArgs, TokenArgs, TokenCommand};
use crate::output::{BAD, DIM, GOOD, NAME, paint, safe};
use crate::place::Place;
use crate::{Failure, Outcome, output};

/// No text of a list is longer, in characters.
const LONGEST: usize = 60;

pub(crate) fn run(args: &TokenArgs) -> Result<Outcome, Failure> {
    let place = Place::named(&args.place)?;
    let file = TokenFile::new(place.tokens());
    let now = SystemClock.now();
    match &args.command {
        TokenCommand::Create(create) => self::create(&file, create, now, args.json)?,
        TokenCommand::List => {
            for row in file.list().map_err(failure)? {
                if args.json {
                    output::json(&view(&row, now))?;
                } else {
                    output::line(told(&row, now))?;
                }
            }
        }
        TokenCommand::Revoke { id } => {
            let (row, fresh) = file.revoke(*id, now).map_err(failure)?;
            if args.json {
                output::json(&view(&row, now))?;
            } else if fresh {
                output::line(format!("{} {} is revoked", paint(NAME, id), name(&row)))?;
            } else {
                output::line(format!("{} {} was revoked before", paint(NAME, id), name(&row)))?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn create(
    file: &TokenFile,
    create: &CreateArgs,
    now: Timestamp,
    as_json: bool,
) -> Result<(), Failure> {
    let expires = create.expires.map(|span| {
        let us = i64::try_from(span.0.as_micros()).ok().filter(|us| *us > 0);
        let us = us.ok_or_else(|| Failure::Usage(anyhow!("--expires {span}: it never counts")))?;
        Ok::<_, Failure>(now.plus_us(us))
    });
    let naming = Naming {
        name: create.name.clone(),
        user: create.user.clone(),
        roles: create.role.clone(),
        service: create.service.clone(),
        environment: create.environment.clone(),
        grants: create.grant.clone(),
        expires: expires.transpose()?,
    };
    let made = file.create(&naming, now).map_err(failure)?;
    if as_json {
        output::json(&json!({
            "id": made.id, "name": naming.name, "token": *made.text,
            "expires": naming.expires.map(|end| end.to_string()),
        }))?;
        return Ok(());
    }
    // The token alone on standard output, for scripts.
    output::line(&*made.text)?;
    output::remark(&format!(
        "{} is shown this once; send it as `Custody-Token: ctk_…`, end it with `custody token revoke {}`",
        made.id, made.id
    ));
    Ok(())
}

fn view(row: &TokenRow, now: Timestamp) -> Value {
    json!({
        "id": row.id, "name": row.name, "state": row.state(now), "names_user": row.names_user(),
        "roles": row.roles, "service": row.service, "environment": row.environment,
        "grants": row.grants, "created": row.created.to_string(),
        "expires": row.expires.map(|end| end.to_string()),
        "revoked": row.revoked.map(|end| end.to_string()),
    })
}

fn told(row: &TokenRow, now: Timestamp) -> String {
    let state = row.state(now);
    let style = if state == "active" { GOOD } else { BAD };
    let mut text = format!("{}  {}  {}", paint(NAME, row.id), paint(style, state), name(row));
    let mut add = |what: &str, value: &str| {
        text = format!("{text}  {}", paint(DIM, format!("{what} {}", safe(value, LONGEST))));
    };
    if row.names_user() {
        add("user", "sealed");
    }
    if !row.roles.is_empty() {
        add("roles", &row.roles.join(", "));
    }
    if let Some(service) = &row.service {
        add("service", service);
    }
    if let Some(environment) = &row.environment {
        add("environment", environment);
    }
    let grants: Vec<&str> = row.grants.iter().map(|grant| grant.as_str()).collect();
    add("may", &grants.join(", "));
    add("since", &row.created.day());
    if let Some(end) = row.expires {
        add("until", &end.day());
    }
    text
}

fn name(row: &TokenRow) -> String {
    safe(&row.name, LONGEST)
}

fn failure(error: AccessError) -> Failure {
    match error {
        AccessError::Wrong(_) => Failure::Usage(error.into()),
        error => Failure::Run(error.into()),
    }
}
