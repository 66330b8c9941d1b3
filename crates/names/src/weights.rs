//! The weights file. `train/export.py` says how it is laid out.

use crate::gazetteer::Map;

/// Numbers per token between the layers.
pub(crate) const WIDTH: usize = 96;
/// Linear pieces of which maxout takes the highest.
pub(crate) const PIECES: usize = 3;
/// Numbers of letter groups.
pub(crate) const GRAM_WIDTH: usize = 64;

static FILE: &[u8] = include_bytes!("../weights/names-1.bin");
const MAGIC: &[u8] = b"NAMES\0\0\x01";

/// Rows of bytes, each with its scale; they stay as they lie in the binary.
pub(crate) struct Table {
    width: usize,
    scales: Vec<f32>,
    values: &'static [u8],
}

impl Table {
    pub(crate) fn rows(&self) -> usize {
        self.scales.len()
    }

    /// Adds a row to `to`; one that is not there adds nothing.
    pub(crate) fn add(&self, row: usize, to: &mut [f32]) {
        let (Some(scale), Some(values)) =
            (self.scales.get(row), self.values.get(row * self.width..(row + 1) * self.width))
        else {
            return;
        };
        for (sum, value) in to.iter_mut().zip(values) {
            *sum += scale * f32::from(value.cast_signed());
        }
    }
}

/// A linear map: a row for each input.
pub(crate) struct Matrix {
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.columns)
    }
}

/// A linear map, maxout over its pieces, and layer normalisation.
pub(crate) struct Layer {
    pub(crate) weights: Matrix,
    pub(crate) bias: Vec<f32>,
    pub(crate) gain: Vec<f32>,
    pub(crate) shift: Vec<f32>,
}

/// All that the tagger has learnt.
pub(crate) struct Weights {
    /// By word, first letter, last three letters, shape.
    pub(crate) tables: [Table; 4],
    pub(crate) grams: Table,
    /// Word vectors, projected to the width. Row 0 is that of an unknown word.
    pub(crate) vectors: Table,
    pub(crate) mix: Layer,
    pub(crate) gram: Matrix,
    pub(crate) bit: Matrix,
    pub(crate) layers: [Layer; 4],
    pub(crate) wide: Layer,
    pub(crate) out: Matrix,
    pub(crate) out_bias: Vec<f32>,
    pub(crate) vector_of: Map,
    pub(crate) words: Map,
    pub(crate) phrases: Map,
}

impl Weights {
    pub(crate) fn built_in() -> Self {
        let read = Self::read(&mut Reader { rest: FILE });
        #[expect(clippy::expect_used, reason = "the file is part of the binary; a test reads it")]
        read.expect("weights/names-1.bin is whole")
    }

    fn read(from: &mut Reader<'static>) -> Option<Self> {
        if from.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let tables = [from.table()?, from.table()?, from.table()?, from.table()?];
        let (grams, vectors) = (from.table()?, from.table()?);
        let (mix, gram, bit) = (from.matrix()?, from.matrix()?, from.matrix()?);
        let layers = [from.matrix()?, from.matrix()?, from.matrix()?, from.matrix()?];
        let (wide, out) = (from.matrix()?, from.matrix()?);
        let mix = from.layer(mix)?;
        let [one, two, three, four] = layers;
        let layers = [from.layer(one)?, from.layer(two)?, from.layer(three)?, from.layer(four)?];
        let wide = from.layer(wide)?;
        let out_bias = from.list()?;
        let (vector_of, words, phrases) = (Map::read(from)?, Map::read(from)?, Map::read(from)?);
        let whole = from.rest.is_empty();
        whole.then_some(Self {
            tables,
            grams,
            vectors,
            mix,
            gram,
            bit,
            layers,
            wide,
            out,
            out_bias,
            vector_of,
            words,
            phrases,
        })
    }
}

/// Takes values off the front of bytes.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(crate) fn size(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    }

    pub(crate) fn leb128(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn floats(&mut self, count: usize) -> Option<Vec<f32>> {
        let bytes = self.take(count.checked_mul(4)?)?;
        Some(bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
    }

    fn list(&mut self) -> Option<Vec<f32>> {
        let count = self.size()?;
        self.floats(count)
    }

    fn matrix(&mut self) -> Option<Matrix> {
        let (rows, columns) = (self.size()?, self.size()?);
        let scale = *self.floats(1)?.first()?;
        let bytes = self.take(rows.checked_mul(columns)?.checked_mul(2)?)?;
        let values = bytes.as_chunks().0.iter();
        let values = values.map(|two| f32::from(i16::from_le_bytes(*two)) * scale).collect();
        (columns > 0).then_some(Matrix { columns, values })
    }

    fn layer(&mut self, weights: Matrix) -> Option<Layer> {
        Some(Layer { weights, bias: self.list()?, gain: self.list()?, shift: self.list()? })
    }
}

impl Reader<'static> {
    fn table(&mut self) -> Option<Table> {
        let (rows, width) = (self.size()?, self.size()?);
        let scales = self.floats(rows)?;
        let values = self.take(rows.checked_mul(width)?)?;
        Some(Table { width, scales, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_of_the_shape_that_the_network_has() {
        let weights = Weights::built_in();
        assert_eq!(weights.tables.each_ref().map(Table::rows), [5000, 1000, 2500, 2500]);
        let shape = |matrix: &Matrix| (matrix.rows().count(), matrix.columns());
        assert_eq!(shape(&weights.mix.weights), (5 * WIDTH, PIECES * WIDTH));
        assert_eq!(shape(&weights.gram), (GRAM_WIDTH, PIECES * WIDTH));
        for layer in &weights.layers {
            assert_eq!(shape(&layer.weights), (3 * WIDTH, PIECES * WIDTH));
        }
        assert_eq!(shape(&weights.wide.weights), (5 * WIDTH, PIECES * WIDTH));
        assert_eq!(shape(&weights.out), (WIDTH, crate::decode::COUNT));
        assert_eq!(shape(&weights.bit), (32, PIECES * WIDTH));
    }

    #[test]
    fn a_file_that_was_cut_is_refused() {
        assert!(Weights::read(&mut Reader { rest: &FILE[..FILE.len() - 1] }).is_none());
        assert!(Weights::read(&mut Reader { rest: &FILE[..1000] }).is_none());
    }
}
