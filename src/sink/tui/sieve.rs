//! Which rows a filter leaves. What it says of texts is remembered as long as the snapshot stays: those of a
//! device or a destination are shared by many rows, and only numbers change between.

use super::fields::{ContactRow, DestinationRow, DeviceRow, FindingRow, FlowRow};
use super::filter::{Field, Filter, Row, Test};
use super::model::Model;
use crate::attribution::world::Contact;

/// Fields that are the destination's, whoever meets it.
const OF_DESTINATION: [Field; 5] =
    [Field::Operator, Field::Law, Field::Country, Field::Network, Field::Zone];
/// Fields that are the contact's own, cheapest first.
const OF_CONTACT: [Field; 5] =
    [Field::Severity, Field::Party, Field::Protocol, Field::Port, Field::Content];
/// Fields that are a finding's own; the rest is its contact's.
const OF_FINDING: [Field; 5] =
    [Field::Severity, Field::Level, Field::Finding, Field::Device, Field::Destination];
/// Those of which a contact holds a part of what its destination has.
const OF_BOTH: [Field; 2] = [Field::Destination, Field::Address];

/// Whether something holds, where that is known.
type Known = Option<bool>;

/// What one condition says.
#[derive(Clone, Default)]
struct Said {
    devices: Vec<Known>,
    destinations: Vec<Known>,
    /// By destination: whether its names and addresses can hold it, or else none of its contacts' does.
    can: Vec<Known>,
}

/// See the module.
#[derive(Clone, Default)]
pub struct Sieve {
    filter: Filter,
    said: Vec<Said>,
    contacts: Vec<Known>,
    flows: Vec<Known>,
    findings: Vec<Known>,
}

/// What is remembered at a place, or is worked out now.
fn remembered(all: &mut Vec<Known>, at: usize, work: impl FnOnce() -> bool) -> bool {
    if all.len() <= at {
        all.resize(at + 1, None);
    }
    *all[at].get_or_insert_with(work)
}

impl From<Filter> for Sieve {
    fn from(filter: Filter) -> Sieve {
        Sieve { filter, ..Sieve::default() }
    }
}

impl Sieve {
    /// The filter.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Another snapshot is shown.
    pub fn forget(&mut self) {
        *self = std::mem::take(&mut self.filter).into();
    }

    /// Asks every row of a new snapshot, so that nobody has to wait for it later.
    pub fn fill(&mut self, model: &Model) {
        if self.filter.is_empty() {
            return;
        }
        for row in 0..model.snapshot().contacts.len() {
            self.passes_by_texts(model, row);
        }
        for row in 0..model.update().flows.len() {
            self.passes_flow(model, row);
        }
        for row in 0..model.snapshot().findings.len() {
            self.finding_passes_by_texts(model, row);
        }
    }

    /// Whether the contact in this row passes.
    pub fn passes(&mut self, model: &Model, row: usize) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        let Some(contact) = model.contact(row) else { return false };
        let fields = ContactRow { model, row, contact };
        // Who came since changes without a new snapshot.
        if row >= model.snapshot().contacts.len() {
            return self.filter.passes(&fields);
        }
        self.passes_by_numbers(&fields) && self.passes_by_texts(model, row)
    }

    /// Whether the flow in this row passes.
    pub fn passes_flow(&mut self, model: &Model, row: usize) -> bool {
        let Sieve { filter, flows, .. } = self;
        filter.is_empty()
            || remembered(flows, row, || filter.passes(&FlowRow(&model.update().flows[row])))
    }

    /// Whether the finding in this row passes.
    pub fn passes_finding(&mut self, model: &Model, row: usize) -> bool {
        self.filter.is_empty()
            || (self.passes_by_numbers(&finding(model, row))
                && self.finding_passes_by_texts(model, row))
    }

    fn passes_by_numbers(&self, row: &dyn Row) -> bool {
        let mut numbers = self.filter.terms().iter().filter(|(_, test)| is_number(test));
        numbers.all(|(not, test)| test.holds(row) != *not)
    }

    fn passes_by_texts(&mut self, model: &Model, row: usize) -> bool {
        let Sieve { filter, said, contacts, .. } = self;
        remembered(contacts, row, || {
            let contact = &model.snapshot().contacts[row];
            let fields = ContactRow { model, row, contact };
            all_texts(filter, said, |test, said| said.holds(test, &fields, &OF_CONTACT))
        })
    }

    fn finding_passes_by_texts(&mut self, model: &Model, row: usize) -> bool {
        let Sieve { filter, said, findings, .. } = self;
        remembered(findings, row, || {
            let FindingRow { finding, contact } = finding(model, row);
            let own = FindingRow { finding, contact: None };
            all_texts(filter, said, |test, said| {
                OF_FINDING.iter().any(|&field| test.is_met_by(&own, field))
                    // How severe it is, it says itself.
                    || contact.as_ref().is_some_and(|one| said.holds(test, one, &OF_CONTACT[1..]))
            })
        })
    }
}

fn is_number(test: &Test) -> bool {
    matches!(test, Test::Number(..))
}

/// Whether all conditions on texts are as they must be.
fn all_texts(
    filter: &Filter,
    said: &mut Vec<Said>,
    mut holds: impl FnMut(&Test, &mut Said) -> bool,
) -> bool {
    said.resize_with(filter.terms().len(), Said::default);
    let texts = filter.terms().iter().zip(said).filter(|((_, test), _)| !is_number(test));
    texts.into_iter().all(|((not, test), said)| holds(test, said) != *not)
}

fn finding(model: &Model, row: usize) -> FindingRow<'_> {
    let contact = model.subject(row).and_then(|row| {
        let contact = model.contact(row)?;
        Some(ContactRow { model, row, contact })
    });
    FindingRow { finding: &model.snapshot().findings[row], contact }
}

impl Said {
    /// Whether a condition on texts holds of a contact; of its own fields, these are asked.
    fn holds(&mut self, test: &Test, fields: &ContactRow<'_>, own: &[Field]) -> bool {
        let &ContactRow { model, contact, .. } = fields;
        let &Contact { device_index, destination_index, .. } = contact;
        let of_device = || test.is_met_by(&DeviceRow { model, row: device_index }, Field::Device);
        let to = DestinationRow { model, row: destination_index };
        let any = |of: &[Field], row: &dyn Fn(Field) -> bool| {
            of.iter().any(|&field| test.asks(field) && row(field))
        };
        let of_to = |field| test.is_met_by(&to, field);
        let of_contact = |field| test.is_met_by(fields, field);
        (test.asks(Field::Device) && remembered(&mut self.devices, device_index, of_device))
            || remembered(&mut self.destinations, destination_index, || {
                any(&OF_DESTINATION, &of_to)
            })
            || any(own, &of_contact)
            || (remembered(&mut self.can, destination_index, || any(&OF_BOTH, &of_to))
                && any(&OF_BOTH, &of_contact))
    }
}
