//! Calls that a crash cut off: what was seen of them becomes a record.

use ledger::{Append, OpenCall};
use provider::Format;
use record::envelope::{Interaction, KeyIds};
use record::{GapReason, Operation, Outcome};

use crate::Capture;
use crate::assemble::with_outcome;
use crate::budget::Share;
use crate::call::ResponseStart;
use crate::engine::Shared;
use crate::pipeline::{Scopes, Tapped};
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
            let (interaction, answer) = interrupted(shared, interaction, &call.pieces);
            let mut parts = call.parts;
            parts.extend(answer);
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
}

fn interrupted(
    shared: &Shared,
    interaction: Interaction,
    pieces: &[Vec<u8>],
) -> (Interaction, Vec<std::sync::Arc<ledger::SealedPart>>) {
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
    let side = parsed.mask(shared, &scopes).seal(shared, &scopes);
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
    Some(Scopes { subject: owner, shared: common })
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
