//! Flow records as Parquet, in row groups of a fixed number of rows, so that memory is bounded and
//! the same records give the same bytes.

use super::Spelling;
use super::columns::{COLUMNS, Kind, Value};
use crate::attribution::record::FlowRecord;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows kept in memory: about 500 bytes each.
const ROWS_A_GROUP: usize = 16_384;

/// See the module.
pub struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Cells>,
    rows: usize,
}

/// The cells of one column, and for those that may be missing which are there.
struct Cells {
    values: Values,
    there: Vec<i16>,
}

enum Values {
    Text(Vec<ByteArray>),
    Whole(Vec<i64>),
    YesNo(Vec<bool>),
}

impl Cells {
    fn of(kind: Kind) -> Cells {
        let values = match kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Whole | Kind::Time => Values::Whole(Vec::new()),
            Kind::YesNo => Values::YesNo(Vec::new()),
        };
        Cells { values, there: Vec::new() }
    }

    fn push(&mut self, value: Value<'_>) {
        let there = value != Value::Missing;
        match (&mut self.values, value) {
            (Values::Text(cells), Value::Text(text)) => {
                cells.push(ByteArray::from(text.into_owned().into_bytes()));
            }
            (Values::Whole(cells), Value::Whole(number)) => {
                cells.push(i64::try_from(number).unwrap_or(i64::MAX));
            }
            (Values::Whole(cells), Value::Time(time)) => cells.push(time.0),
            (Values::YesNo(cells), Value::YesNo(yes)) => cells.push(yes),
            _ => {}
        }
        self.there.push(i16::from(there));
    }
}

/// The schema in Parquet's own notation. All but times and yes or no may be missing.
fn schema() -> String {
    let mut text = String::from("message flows {\n");
    for column in COLUMNS {
        let kind = match column.kind {
            Kind::Text => "OPTIONAL BYTE_ARRAY",
            Kind::Whole => "OPTIONAL INT64",
            Kind::YesNo => "REQUIRED BOOLEAN",
            Kind::Time => "REQUIRED INT64",
        };
        let meaning = match column.kind {
            Kind::Text => " (STRING)",
            Kind::Time => " (TIMESTAMP(NANOS,true))",
            Kind::Whole | Kind::YesNo => "",
        };
        text.push_str(&format!("  {kind} {}{meaning};\n", column.name));
    }
    text.push('}');
    text
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(inner) => *inner,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

impl<W: Write + Send> Parquet<W> {
    /// Writes to `out`.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn new(out: W) -> io::Result<Parquet<W>> {
        let schema = parse_message_type(&schema()).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_created_by(concat!("phonehome ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::SNAPPY)
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties));
        Ok(Parquet { file: file.map_err(failed)?, columns: fresh(), rows: 0 })
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        self.rows = 0;
        let columns = std::mem::replace(&mut self.columns, fresh());
        let mut group = self.file.next_row_group()?;
        for Cells { values, there } in columns {
            let Some(mut column) = group.next_column()? else { break };
            match (column.untyped(), values) {
                (ColumnWriter::ByteArrayColumnWriter(writer), Values::Text(cells)) => {
                    writer.write_batch(&cells, Some(&there), None)?;
                }
                (ColumnWriter::Int64ColumnWriter(writer), Values::Whole(cells)) => {
                    writer.write_batch(&cells, Some(&there), None)?;
                }
                (ColumnWriter::BoolColumnWriter(writer), Values::YesNo(cells)) => {
                    writer.write_batch(&cells, Some(&there), None)?;
                }
                _ => return Err(ParquetError::General("a column of another type".to_owned())),
            }
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn fresh() -> Vec<Cells> {
    COLUMNS.iter().map(|column| Cells::of(column.kind)).collect()
}

impl<W: Write + Send> Spelling for Parquet<W> {
    fn record(&mut self, record: &FlowRecord) -> io::Result<()> {
        for (cells, column) in self.columns.iter_mut().zip(COLUMNS) {
            cells.push((column.get)(record));
        }
        self.rows += 1;
        if self.rows == ROWS_A_GROUP { self.group().map_err(failed) } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.group().map_err(failed)?;
        }
        self.file.finish().map_err(failed)?;
        self.file.inner_mut().flush()
    }
}
