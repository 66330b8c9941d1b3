//! `custody demo`.
use crate::cli::DemoArgs;
use crate::{Failure, Outcome};
pub(crate) fn run(_args: &DemoArgs) -> Result<Outcome, Failure> {
    Ok(Outcome::Done)
}
