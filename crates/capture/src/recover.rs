//! Calls that a crash cut off: what was seen of them becomes a record.

use std::sync::{Arc, Mutex, OnceLock};

use ledger::{Append, OpenCall, SealedPart};
use mask::Taken;
use provider::Format;
use record::envelope::{Interaction, KeyIds, PartRef};
use record::{Content, GapReason, Operation, Outcome, Scope};

use crate::Capture;
use crate::assemble::with_outcome;
use crate::budget::Share;
use crate::call::ResponseStart;
use crate::engine::Shared;
use crate::held::{self, Held, HeldParts, Slot, Waiting};
use crate::masking::Whereabouts;
use crate::pipeline::{Names, Scopes, Tapped};
use crate::tap::{Body, Mark};
use crate::threads::ResponseJob;
use crate::worker::{PIECE, decode_piece, no_tickets, seal_interaction};

/// Finishes the calls that a start found open: each becomes a record with the outcome
/// `interrupted`, with as much of the answer as was journalled, or a gap when its admission was
/// damaged too.
pub fn recover(capture: &Capture, calls: Vec<OpenCall>) {
    let shared = capture.shared();
    for call in calls {
        let number = call.number;
        let finished = call.envelope.and_then(|envelope| {
            let interaction = envelope.interaction()?.clone();
            // What waited for names alone had its end.
            let ended = interaction.response.outcome != Outcome::Interrupted;
            let mut parts = call.parts;
            let mut interaction = if ended {
                interaction
            } else {
                let (interaction, answer) = interrupted(shared, interaction, &call.pieces);
                parts.extend(answer);
                interaction
            };
            finish_held(shared, &mut interaction, &mut parts);
            let request = interaction.request.write().ok()?;
            seal_interaction(shared, envelope.id, &interaction, &request, parts)
        });
        let Some(sealed) = finished else {
            shared.note_gap(Some(number), GapReason::Damage);
            continue;
        };
        let record = Append::Record { number: Some(number), sealed, tickets: no_tickets() };
        let mut entries = vec![record];
        while let Err(error) = shared.ledger.append(entries) {
            entries = error.entries;
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    held::destroy_past(shared);
}

/// Runs the names tier over parts that waited for it when the last run ended. What cannot be read
/// any more stays closed.
fn finish_held(shared: &Shared, interaction: &mut Interaction, parts: &mut Vec<Arc<SealedPart>>) {
    let Some(scopes) = scopes(shared, interaction) else { return };
    let place = Arc::new(Whereabouts {
        environment: interaction.who.environment.clone(),
        upstream: interaction.upstream.clone(),
    });
    let held = |slot, part: &PartRef| {
        let held = held_again(shared, interaction, &scopes, &place, part, parts)?;
        Some((slot, Arc::new(held)))
    };
    let of_side = |refs: &[PartRef], skeleton: Option<&PartRef>| -> HeldParts {
        let parts = refs.iter().enumerate().map(|(i, part)| (Slot::Part(i), part));
        let skeleton = skeleton.map(|part| (Slot::Skeleton, part));
        parts.chain(skeleton).filter_map(|(slot, part)| held(slot, part)).collect()
    };
    let (asked, answer) = (&interaction.request, &interaction.response);
    let request = of_side(&asked.parts, asked.skeleton.as_ref());
    let response = of_side(&answer.parts, answer.skeleton.as_ref());
    held::settle(shared, interaction, parts, (&request, &response));
}

fn held_again(
    shared: &Shared,
    interaction: &Interaction,
    scopes: &Scopes,
    place: &Arc<Whereabouts>,
    part: &PartRef,
    parts: &[Arc<SealedPart>],
) -> Option<Held> {
    // Of a call only such parts have a key of their own.
    let kid = part.key.filter(|_| part.withheld)?;
    let (tenant, class) = (&shared.config.tenant, &interaction.retention.class);
    let key = shared.keys.scope_key(kid, interaction.keys.period, tenant, class)?;
    let sealed = parts.iter().find(|sealed| sealed.pid() == part.pid)?;
    let content = Content::decode(&key.open(sealed.bytes()).ok()?).ok()?;
    let length = usize::try_from(part.length).unwrap_or(usize::MAX);
    let keys = if part.scope == Scope::Shared { &scopes.shared } else { &scopes.subject };
    Some(Held {
        role: part.role,
        kind: part.kind,
        scope: part.scope,
        keys: keys.clone(),
        place: Arc::clone(place),
        met: None,
        content: Mutex::new(Some((content, Taken::default()))),
        vault: OnceLock::new(),
        length,
        named: OnceLock::new(),
        waiting: Waiting::none(),
    })
}

fn interrupted(
    shared: &Shared,
    interaction: Interaction,
    pieces: &[Vec<u8>],
) -> (Interaction, Vec<Arc<SealedPart>>) {
    let Some((start, bytes)) = open_pieces(shared, pieces) else {
        return (interaction, Vec::new());
    };
    let Some(scopes) = scopes(shared, &interaction) else { return (interaction, Vec::new()) };
    let mut body = Body::new(Share::new(&shared.budget));
    body.total = u64::try_from(bytes.len()).unwrap_or(0);
    body.bytes = bytes;
    let job = ResponseJob {
        id: record::RecordId::from_bytes([0; 16]),
        start: Some(start),
        failure: None,
        marks: vec![Mark { end: body.bytes.len(), at_us: 0 }],
        body,
        first_byte_us: None,
        upstream_complete: false,
        bytes_sent: 0,
        client_present: true,
        hung_up_after_us: None,
        total_us: 0,
        late_request: None,
        tickets: no_tickets(),
    };
    let format = format_of(&interaction);
    let parsed = Tapped(&job).parse(format, shared.config.max_body);
    let place = Arc::new(Whereabouts {
        environment: interaction.who.environment.clone(),
        upstream: interaction.upstream.clone(),
    });
    let side = parsed.mask(shared, &scopes, &place, Names::Now).seal(shared, &scopes);
    let parts = side.parts.clone();
    let mut interaction = with_outcome(shared, interaction, side, &job);
    // The times of the pieces are not known, and neither is what the client received.
    interaction.response.outcome = Outcome::Interrupted;
    interaction.client = record::envelope::Client::default();
    interaction.time.first_token = None;
    interaction.time.last_byte = None;
    interaction.timing = record::envelope::Timing::default();
    (interaction, parts)
}

fn open_pieces(shared: &Shared, pieces: &[Vec<u8>]) -> Option<(ResponseStart, Vec<u8>)> {
    let mut found = None;
    let mut bytes = Vec::new();
    for sealed in pieces {
        let plain = seal::unwrap(&shared.piece_key, PIECE, sealed).ok()?;
        let (start, piece) = decode_piece(&plain)?;
        bytes.extend_from_slice(piece);
        found = Some(start);
    }
    Some((found?, bytes))
}

fn scopes(shared: &Shared, interaction: &Interaction) -> Option<Scopes> {
    let (tenant, class) = (&shared.config.tenant, &interaction.retention.class);
    let KeyIds { period, subject, .. } = interaction.keys;
    let period_name = shared.config.classes.of(class).period(interaction.time.admitted);
    let key = shared.keys.scope_key(subject, period, tenant, class)?;
    let owner = keys::ScopeKeys { subject, period, key };
    let common = shared.keys.scope(keys::Subject::Shared, &period_name, tenant, class).ok()?;
    Some(Scopes { subject: owner, shared: common, held: None })
}

/// The format that the admission names; records from before formats were named tell it by their
/// operation.
fn format_of(interaction: &Interaction) -> Format {
    let named = interaction.model.format.as_deref().and_then(Format::named);
    named.unwrap_or(match interaction.model.operation {
        Operation::Chat => Format::OpenAiChat,
        Operation::Completion => Format::OpenAiCompletions,
        Operation::Responses => Format::OpenAiResponses,
        Operation::Embeddings => Format::OpenAiEmbeddings,
        Operation::Messages => Format::AnthropicMessages,
        _ => Format::Opaque,
    })
}
