//! The network: `train/model.py` in Rust.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::decode::COUNT;
use crate::features::{Seen, Words};
use crate::weights::{Layer, Matrix, PIECES, WIDTH, Weights};

/// Tokens on each side that the wide layer averages.
const NEAR: usize = 24;
/// Tokens between those that the wide layer looks at.
const STEP: usize = 3;
/// Numbers that a layer looks at: three tokens; the wide one two means besides.
const SIGHT: usize = 3 * WIDTH;
const WIDE_SIGHT: usize = 5 * WIDTH;
const SUMS: usize = PIECES * WIDTH;

/// Arrays that are used again for the next chunk, a row for a token.
#[derive(Default)]
pub(crate) struct Room {
    tokens: Vec<f32>,
    sight: Vec<f32>,
    sums: Vec<f32>,
}

/// For each token the logarithms of the tags' probabilities.
pub(crate) fn scores(
    weights: &Weights,
    words: &Words<'_, '_>,
    seen: &[Seen],
    room: &mut Room,
) -> Vec<[f32; COUNT]> {
    let n = seen.len();
    let Room { tokens, sight, sums } = room;
    sums.clear();
    sums.resize(n * SUMS, 0.0);
    for (token, sum) in seen.iter().zip(sums.chunks_exact_mut(SUMS)) {
        sum.copy_from_slice(words.sum(token.word));
        for (bit, row) in weights.bit.rows().enumerate() {
            if token.bits >> bit & 1 == 1 {
                sum.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
            }
        }
    }
    tokens.clear();
    tokens.resize(n * WIDTH, 0.0);
    add_highest(sums, &weights.mix, tokens);
    for layer in &weights.layers {
        sight.clear();
        sight.resize(n * SIGHT, 0.0);
        look(tokens, sight, SIGHT, 1);
        apply(sight, SIGHT, layer, sums, tokens);
    }
    sight.clear();
    sight.resize(n * WIDE_SIGHT, 0.0);
    look(tokens, sight, WIDE_SIGHT, STEP);
    look_wide(tokens, sight);
    apply(sight, WIDE_SIGHT, &weights.wide, sums, tokens);
    sums.clear();
    for _ in 0..n {
        sums.extend(&weights.out_bias);
    }
    multiply(tokens, WIDTH, &weights.out, sums);
    sums.as_chunks().0.iter().map(logarithms).collect()
}

fn logarithms(scores: &[f32; COUNT]) -> [f32; COUNT] {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = scores.iter().map(|score| (score - highest).exp()).sum();
    let log = highest + total.ln();
    scores.map(|score| score - log)
}

/// `sums += input × weights`, a row for a token.
pub(crate) fn multiply(input: &[f32], width: usize, weights: &Matrix, sums: &mut [f32]) {
    let n = input.len() / width;
    let columns = weights.columns();
    if let (Ok(input), Ok(weights), Ok(mut sums)) = (
        ArrayView2::from_shape((n, width), input),
        ArrayView2::from_shape((width, columns), weights.values()),
        ArrayViewMut2::from_shape((n, columns), sums),
    ) {
        general_mat_mul(1.0, &input, &weights, 1.0, &mut sums);
    }
}

fn apply(input: &[f32], width: usize, layer: &Layer, sums: &mut [f32], tokens: &mut [f32]) {
    for sum in sums.chunks_exact_mut(SUMS) {
        sum.copy_from_slice(&layer.bias);
    }
    multiply(input, width, &layer.weights, sums);
    add_highest(sums, layer, tokens);
}

/// Maxout and layer normalisation; the result is added to the tokens.
fn add_highest(sums: &[f32], layer: &Layer, tokens: &mut [f32]) {
    let mut highest = [0.0f32; WIDTH];
    for (sum, token) in sums.chunks_exact(SUMS).zip(tokens.chunks_exact_mut(WIDTH)) {
        for (high, pieces) in highest.iter_mut().zip(sum.as_chunks::<PIECES>().0) {
            let [a, b, c] = *pieces;
            let ab = if a > b { a } else { b };
            *high = if ab > c { ab } else { c };
        }
        let mean = total(&highest) / WIDTH_F;
        for x in &mut highest {
            *x -= mean;
        }
        let scale = 1.0 / (total(&highest.map(|x| x * x)) / WIDTH_F + 1e-8).sqrt();
        for (((to, x), gain), shift) in
            token.iter_mut().zip(&highest).zip(&layer.gain).zip(&layer.shift)
        {
            *to += x * scale * gain + shift;
        }
    }
}

const WIDTH_F: f32 = 96.0;

/// In eight lanes, so that the machine may add them at once.
fn total(values: &[f32; WIDTH]) -> f32 {
    let mut lanes = [0.0f32; 8];
    for eight in values.as_chunks::<8>().0 {
        lanes.iter_mut().zip(eight).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().sum()
}

/// Puts beside each token the one `step` before and the one `step` after: before, itself, after.
fn look(tokens: &[f32], sight: &mut [f32], width: usize, step: usize) {
    let row = |i: usize| tokens.get(i * WIDTH..(i + 1) * WIDTH);
    for (i, sight) in sight.chunks_exact_mut(width).enumerate() {
        let places = sight.chunks_exact_mut(WIDTH);
        for (place, at) in places.zip([i.checked_sub(step), Some(i), Some(i + step)]) {
            if let Some(row) = at.and_then(row) {
                place.copy_from_slice(row);
            }
        }
    }
}

/// Puts beside each token the mean of those near before it, and of those near after it.
fn look_wide(tokens: &[f32], sight: &mut [f32]) {
    let n = tokens.len() / WIDTH;
    let row = |i: usize| tokens.get(i * WIDTH..(i + 1) * WIDTH);
    let mut before = [0.0f32; WIDTH];
    let mut after = [0.0f32; WIDTH];
    for i in 1..=NEAR {
        change(&mut after, row(i), 1.0);
    }
    for (i, sight) in sight.chunks_exact_mut(WIDE_SIGHT).enumerate() {
        // Of the tokens i - NEAR to i - 1, and i + 1 to i + NEAR.
        let mut places = sight.chunks_exact_mut(WIDTH).skip(3);
        put_mean(&before, i.min(NEAR), places.next());
        put_mean(&after, (n - 1 - i).min(NEAR), places.next());
        change(&mut before, row(i), 1.0);
        change(&mut before, i.checked_sub(NEAR).and_then(row), -1.0);
        change(&mut after, row(i + 1), -1.0);
        change(&mut after, row(i + 1 + NEAR), 1.0);
    }
}

fn change(sum: &mut [f32; WIDTH], row: Option<&[f32]>, sign: f32) {
    for (sum, value) in sum.iter_mut().zip(row.unwrap_or_default()) {
        *sum += sign * value;
    }
}

fn put_mean(sum: &[f32; WIDTH], count: usize, place: Option<&mut [f32]>) {
    if count == 0 {
        return;
    }
    let share = 1.0 / f32::from(u8::try_from(count).unwrap_or(u8::MAX));
    for (to, sum) in place.unwrap_or_default().iter_mut().zip(sum) {
        *to = sum * share;
    }
}
