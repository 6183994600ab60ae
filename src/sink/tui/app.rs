//! What the screen shows and what the operator has chosen: changed by updates and keys, read by
//! the views.

use super::feed::{Command, Options, State, Update};
use super::filter::Filter;
use super::hex::{Answer, Wanted};
use super::history::History;
use super::model::{Model, Ready};
use super::rows::{LISTS, List, zone_key};
use super::sieve::Sieve;
use super::theme::Theme;
use super::wireshark;
use crate::attribution::world::{Contact, Zone};
use crate::base::time::Timestamp;
use crate::finding::Finding;
use crate::source::frame_reader::Fetched;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The views, by their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Who gets what.
    Overview,
    /// The world.
    Map,
    /// Devices.
    Devices,
    /// Destinations.
    Destinations,
    /// Contacts.
    Contacts,
    /// Flows.
    Flows,
    /// Findings.
    Findings,
    /// What happened when.
    Timeline,
    /// Distributions.
    Numbers,
    /// Help.
    Help,
}

/// Key, name and view.
pub const VIEWS: [(char, &str, View); 10] = [
    ('1', "overview", View::Overview),
    ('2', "map", View::Map),
    ('3', "devices", View::Devices),
    ('4', "destinations", View::Destinations),
    ('5', "contacts", View::Contacts),
    ('6', "flows", View::Flows),
    ('7', "findings", View::Findings),
    ('8', "timeline", View::Timeline),
    ('9', "numbers", View::Numbers),
    ('?', "help", View::Help),
];

/// What is asked of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// A filter.
    Filter,
    /// Text to search.
    Search,
    /// A mark.
    Mark,
    /// A phase.
    Phase,
    /// A name for a device.
    Label,
    /// An answer to the plan.
    Answer,
    /// Whether to stop recording.
    Quit,
}

/// The phases of an experiment.
pub const PHASES: [&str; 10] =
    ["factory", "power-on", "setup", "idle", "use", "motion", "update", "outage", "reset", "after"];

/// Longest input at a prompt.
const PROMPT_MAX: usize = 200;
/// Pages to go back.
const BACK_MAX: usize = 16;

/// What a key asked of the loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// Tell whoever runs the capture.
    Send(Command),
    /// Put this into the clipboard.
    Copy(String),
    /// Write the view to a file.
    Export,
    /// Draw all anew.
    Redraw,
    /// Leave.
    Quit,
}

/// A list's state.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Rows in order.
    pub order: Vec<u32>,
    /// The selected one's place in `order`.
    pub selected: usize,
    /// Which it is, so that it stays selected when others move.
    key: String,
    /// Sorted by which heading.
    pub sort: usize,
    /// And turned round.
    pub turned: bool,
    fresh: bool,
}

/// See the module.
pub struct App {
    /// How to show it.
    pub options: Options,
    /// Looks.
    pub theme: Theme,
    /// What is shown; nothing before the first update.
    pub model: Option<Model>,
    /// The newest, where the screen is frozen.
    held: Option<Ready>,
    /// Whether the screen is frozen.
    pub frozen: bool,
    /// Whether the newest row stays selected.
    pub follow: bool,
    /// Bytes over time.
    pub history: History,
    /// The view.
    pub view: View,
    /// Key of the row whose page is open in this view.
    pub page: Option<String>,
    back: Vec<(View, Option<String>)>,
    lists: [Chosen; 6],
    /// Lines scrolled on a page.
    pub scroll: usize,
    /// Which of a finding's frames is shown.
    pub reference: usize,
    /// Whether secrets in the bytes of a frame are shown.
    pub reveal: bool,
    /// The frame that was fetched.
    pub frame: Option<(Wanted, Result<Fetched, String>)>,
    /// As typed.
    pub filter_text: String,
    sieve: Sieve,
    /// The filter, for whoever works out beside the screen what is new.
    pub wanted_filter: Arc<Mutex<Filter>>,
    search: Sieve,
    /// What is being typed, and what for.
    pub prompt: Option<(Asking, String)>,
    /// Said in the bottom line until the next key.
    pub message: Option<String>,
}

impl App {
    /// Before the first update.
    pub fn new(options: Options) -> App {
        let Options { colour, light, ascii, .. } = options;
        App {
            theme: Theme { colour, light, ascii },
            options,
            model: None,
            held: None,
            frozen: false,
            follow: false,
            history: History::default(),
            view: View::Overview,
            page: None,
            back: Vec::new(),
            lists: Default::default(),
            scroll: 0,
            reference: 0,
            reveal: false,
            frame: None,
            filter_text: String::new(),
            sieve: Sieve::default(),
            wanted_filter: Arc::default(),
            search: Sieve::default(),
            prompt: None,
            message: None,
        }
    }

    /// Takes what is new, and works out here what a picture needs of it.
    pub fn take(&mut self, update: Update) {
        let shown = self.model.as_ref().map(|model| &model.0);
        let ready = Ready::of(update, self.held.as_ref().or(shown), self.sieve.filter());
        self.take_ready(ready);
    }

    /// Takes what is new. History goes on also while the screen is frozen.
    pub fn take_ready(&mut self, ready: Ready) {
        let update = &ready.update;
        let snapshot = update.snapshot.clone();
        let firsts = snapshot.inputs.iter().filter_map(|input| input.first);
        let first = firsts.min().unwrap_or(update.status.now);
        let numbers = update.numbers.clone();
        let devices = snapshot.devices.iter().chain(numbers.fresh.devices.iter().map(|one| &**one));
        let devices = devices
            .zip(numbers.devices.iter())
            .filter(|(device, _)| device.role != "gateway")
            .map(|(device, now)| (&device.id, now.internet.delivered_bytes));
        // Before the first word of the recorder there is no time.
        if update.status.now > Timestamp::default() {
            self.history.add(first, update.status.now, devices);
        }
        if self.frozen {
            if let Some(before) = self.held.replace(ready) {
                discard(before);
            }
        } else {
            self.show(ready);
        }
    }

    fn show(&mut self, ready: Ready) {
        if let Some(Model(before)) = &mut self.model
            && Arc::ptr_eq(&before.update.snapshot, &ready.update.snapshot)
            && Arc::ptr_eq(&before.update.flows, &ready.update.flows)
        {
            // Only how the run goes is new, and how much it is, and with both rates.
            let same = Arc::ptr_eq(&before.update.numbers, &ready.update.numbers);
            *before = ready;
            for list in LISTS {
                let counts = !matches!(list, List::Flows | List::Findings);
                if list == List::Devices || (counts && !same) {
                    self.lists[index(list)].fresh = false;
                }
            }
            self.refresh();
            return;
        }
        // A filter that was set after it was made ready is asked anew.
        match ready.sieve.filter() == self.sieve.filter() {
            true => self.sieve = ready.sieve.clone(),
            false => self.sieve.forget(),
        }
        self.search.forget();
        if let Some(Model(before)) = self.model.replace(Model(ready)) {
            discard(before);
        }
        self.lists.iter_mut().for_each(|list| list.fresh = false);
        self.refresh();
    }

    /// The list of this view.
    pub fn list(&self) -> Option<List> {
        match self.view {
            View::Overview => Some(List::Who),
            View::Devices => Some(List::Devices),
            View::Destinations => Some(List::Destinations),
            View::Contacts => Some(List::Contacts),
            View::Flows => Some(List::Flows),
            View::Findings => Some(List::Findings),
            _ => None,
        }
    }

    /// A list's state.
    pub fn chosen(&self, list: List) -> &Chosen {
        &self.lists[index(list)]
    }

    /// Brings the lists that are shown into order.
    pub fn refresh(&mut self) {
        let Some(model) = &self.model else { return };
        let shown = [self.list(), (self.view == View::Overview).then_some(List::Devices)];
        for list in shown.into_iter().flatten() {
            let chosen = &mut self.lists[index(list)];
            if chosen.fresh {
                continue;
            }
            chosen.fresh = true;
            if self.follow
                && let Some(at) = list.sorts().iter().position(|name| *name == "last")
            {
                (chosen.sort, chosen.turned) = (at, false);
            }
            chosen.order =
                model.order(list, &mut self.sieve, (chosen.sort, chosen.turned), &self.history);
            let is_same = |row: &u32| model.is_known_by(list, *row, &chosen.key);
            // Most often it is where it was, and then no other row is looked at.
            let here = || chosen.order.get(chosen.selected).filter(|row| is_same(row));
            let search = || chosen.order.iter().take(KEPT_MAX).position(is_same);
            let kept = match chosen.key.is_empty() {
                true => None,
                false => here().map(|_| chosen.selected).or_else(search),
            };
            let last = chosen.order.len().saturating_sub(1);
            chosen.selected = match kept {
                _ if self.follow => 0,
                Some(at) => at,
                None => chosen.selected.min(last),
            };
        }
    }

    fn set_filter(&mut self, filter: Filter) {
        *self.wanted_filter.lock().unwrap_or_else(PoisonError::into_inner) = filter.clone();
        self.sieve = filter.into();
    }

    fn resort(&mut self) {
        self.lists.iter_mut().for_each(|list| list.fresh = false);
        self.refresh();
    }

    /// The selected row of a list.
    pub fn selected(&self, list: List) -> Option<u32> {
        let chosen = self.chosen(list);
        chosen.order.get(chosen.selected).copied()
    }

    /// Moves the selection, or scrolls a page.
    pub fn step(&mut self, by: i64) {
        let Some(list) = self.list().filter(|_| self.page.is_none()) else {
            self.scroll = self.scroll.saturating_add_signed(by as isize);
            return;
        };
        let last = self.chosen(list).order.len().saturating_sub(1);
        let at = self.chosen(list).selected as i64;
        self.select(list, at.saturating_add(by).clamp(0, last as i64) as usize);
    }

    fn select(&mut self, list: List, at: usize) {
        let row = self.chosen(list).order.get(at).copied();
        let key = row.zip(self.model.as_ref()).map(|(row, model)| model.key(list, row));
        let chosen = &mut self.lists[index(list)];
        chosen.selected = at;
        chosen.key = key.unwrap_or_default();
        if at > 0 {
            self.follow = false;
        }
    }

    /// Goes to a view.
    pub fn go(&mut self, view: View, page: Option<String>) {
        if (self.view, &self.page) == (view, &page) {
            return;
        }
        if self.back.len() >= BACK_MAX {
            self.back.remove(0);
        }
        self.back.push((self.view, self.page.take()));
        (self.view, self.page, self.scroll, self.reference) = (view, page, 0, 0);
        self.reveal = false;
        self.refresh();
    }

    /// Closes what is open, the last opened first.
    pub fn escape(&mut self) {
        if self.page.is_some() || self.view == View::Help {
            let (view, page) = self.back.pop().unwrap_or((self.view, None));
            (self.view, self.page, self.scroll, self.reference) = (view, page, 0, 0);
            self.refresh();
        } else if !self.filter_text.is_empty() {
            self.filter_text.clear();
            self.set_filter(Filter::default());
            self.resort();
        }
    }

    /// Opens the page of the selected row.
    pub fn open(&mut self) {
        let Some((list, model)) = self.list().zip(self.model.as_ref()) else { return };
        if self.page.is_some() {
            return;
        }
        let Some(row) = self.selected(list) else { return };
        let (view, page) = match list {
            List::Devices => (View::Devices, Some(model.key(list, row))),
            List::Findings => (View::Findings, Some(model.key(list, row))),
            List::Destinations => (View::Destinations, Some(model.key(list, row))),
            List::Who | List::Contacts => {
                let contact = model.contact(row as usize);
                let at = contact.map(|contact| contact.destination_index as u32);
                (View::Destinations, at.map(|at| model.key(List::Destinations, at)))
            }
            List::Flows => {
                let flow = model.update().flows.get(row as usize);
                let id = flow.and_then(|flow| flow.destination.as_deref());
                let key = id.map(|id| format!("{} {id}", zone_key(Zone::Internet)));
                (View::Destinations, key)
            }
        };
        match page {
            Some(_) => self.go(view, page),
            None => self.message = Some("no page for this: it is not on the internet".to_owned()),
        }
    }

    /// The device that keys act on.
    pub fn device(&self) -> Option<usize> {
        let model = self.model.as_ref()?;
        let snapshot = model.snapshot();
        match (self.view, &self.page) {
            (View::Devices, Some(id)) => (0..model.numbers().devices.len())
                .find(|&at| model.device(at).is_some_and(|device| *device.id == **id)),
            (View::Devices, None) => self.selected(List::Devices).map(|row| row as usize),
            (View::Overview | View::Contacts, None) => self.contact().map(|c| c.device_index),
            (View::Findings, _) => {
                let id = &self.finding()?.subject.device;
                snapshot.devices.iter().position(|device| device.id == *id)
            }
            _ => None,
        }
    }

    fn contact(&self) -> Option<&Contact> {
        let row = self.selected(self.list()?)?;
        self.model.as_ref()?.contact(row as usize)
    }

    /// The destination whose page is open.
    pub fn destination(&self) -> Option<usize> {
        let model = self.model.as_ref()?;
        let key = self.page.as_ref().filter(|_| self.view == View::Destinations)?;
        (0..model.numbers().destinations.len())
            .find(|&at| model.is_known_by(List::Destinations, at as u32, key))
    }

    /// The finding that is open or selected.
    pub fn finding(&self) -> Option<&Finding> {
        let findings = &self.model.as_ref()?.snapshot().findings;
        match &self.page {
            Some(key) => findings.iter().find(|finding| finding.key == *key),
            None => findings.get(self.selected(List::Findings)? as usize),
        }
    }

    /// The frame whose bytes the open page shows.
    pub fn wanted(&self) -> Option<Wanted> {
        if self.view != View::Findings || self.page.is_none() {
            return None;
        }
        let refs = &self.finding()?.refs;
        let reference = refs.get(self.reference.min(refs.len().saturating_sub(1)))?;
        Some((reference.input, reference.frame))
    }

    /// Takes the bytes of a frame.
    pub fn fetched(&mut self, (wanted, answer): Answer) {
        self.frame = Some((wanted, answer));
    }

    /// Another of the finding's frames.
    pub fn turn(&mut self, by: i64) {
        let count = self.finding().map_or(0, |finding| finding.refs.len());
        let at = self.reference as i64 + by;
        self.reference = at.clamp(0, count.saturating_sub(1) as i64) as usize;
    }

    /// Sorts by the next heading, or turns the order round.
    pub fn sort(&mut self, turn: bool) {
        let Some(list) = self.list().filter(|_| self.page.is_none()) else { return };
        self.follow = false;
        let chosen = &mut self.lists[index(list)];
        if turn {
            chosen.turned = !chosen.turned;
        } else {
            chosen.sort = (chosen.sort + 1) % list.sorts().len();
            chosen.turned = false;
        }
        chosen.fresh = false;
        self.refresh();
    }

    /// Holds the screen still, or lets it go on.
    pub fn freeze(&mut self) {
        self.frozen = !self.frozen;
        if let Some(ready) = self.held.take() {
            self.show(ready);
        }
    }

    /// Keeps the newest row selected, or lets it be.
    pub fn set_follow(&mut self) {
        self.follow = !self.follow;
        self.resort();
    }

    /// The display filter for what is selected.
    pub fn wireshark(&self) -> Result<String, String> {
        let nothing = || "nothing is selected that has a filter".to_owned();
        let model = self.model.as_ref().ok_or_else(nothing)?;
        match self.view {
            View::Findings => {
                let finding = self.finding().ok_or_else(nothing)?;
                let refs = &finding.refs;
                let input = refs.get(self.reference).map_or(0, |reference| reference.input);
                let counted = finding.traffic.iter().find(|counted| counted.input == input);
                let counted = counted.or(finding.traffic.first()).ok_or_else(nothing)?;
                let because = counted.no_filter_because.unwrap_or("not possible");
                counted.wireshark_filter.clone().ok_or(format!("no filter: {because}"))
            }
            View::Devices => {
                let at = self.device().ok_or_else(nothing)?;
                wireshark::device(model.device(at).ok_or_else(nothing)?)
            }
            View::Destinations => {
                let row = || self.selected(List::Destinations).map(|row| row as usize);
                let at = self.destination().or_else(row).ok_or_else(nothing)?;
                wireshark::destination(model.destination(at).ok_or_else(nothing)?)
            }
            View::Overview | View::Contacts => {
                let contact = self.contact().ok_or_else(nothing)?;
                let device = model.device(contact.device_index).ok_or_else(nothing)?;
                wireshark::contact(device, contact)
            }
            View::Flows => {
                let row = self.selected(List::Flows).ok_or_else(nothing)?;
                Ok(wireshark::flow(model.update().flows.get(row as usize).ok_or_else(nothing)?))
            }
            _ => Err(nothing()),
        }
    }

    /// What the run is doing.
    pub fn state(&self) -> Option<State> {
        self.model.as_ref().map(|model| model.update().status.state)
    }

    /// Capture time.
    pub fn now(&self) -> Timestamp {
        self.model.as_ref().map_or(Timestamp(0), |model| model.update().status.now)
    }

    /// Begins to ask.
    pub fn ask(&mut self, asking: Asking) {
        let text = if asking == Asking::Filter { self.filter_text.clone() } else { String::new() };
        self.prompt = Some((asking, text));
    }

    /// A character typed at the prompt.
    pub fn typed(&mut self, character: char) {
        if let Some((_, text)) = &mut self.prompt
            && text.chars().count() < PROMPT_MAX
            && crate::base::text::is_shown(character)
        {
            text.push(character);
        }
    }

    /// What was typed is meant.
    pub fn entered(&mut self) -> Option<Wish> {
        let (asking, text) = self.prompt.take()?;
        let text = text.trim().to_owned();
        match asking {
            Asking::Filter => match Filter::parse(&text) {
                Ok(filter) => {
                    self.filter_text = text;
                    self.set_filter(filter);
                    self.resort();
                }
                Err(problem) => {
                    self.message = Some(problem);
                    self.prompt = Some((Asking::Filter, text));
                }
            },
            Asking::Search => {
                // Searched as it stands, whatever signs are in it.
                match Filter::parse(&text) {
                    Ok(filter) => self.search = filter.into(),
                    Err(problem) => self.message = Some(problem),
                }
                self.find(1, true);
            }
            Asking::Mark if !text.is_empty() => return Some(Wish::Send(Command::Mark(text))),
            Asking::Phase => {
                let Some(phase) = PHASES.iter().find(|phase| **phase == text) else {
                    self.message = Some(format!("phases are {}", PHASES.join(", ")));
                    return None;
                };
                return Some(Wish::Send(Command::Phase((*phase).to_owned())));
            }
            Asking::Label => {
                let model = self.model.as_ref()?;
                let device = model.device(self.device()?)?.id.to_string();
                return Some(Wish::Send(Command::Label { device, label: text }));
            }
            Asking::Answer => return Some(Wish::Send(Command::Answer(text))),
            Asking::Quit if matches!(text.as_str(), "y" | "Y" | "yes") => return Some(Wish::Quit),
            Asking::Mark | Asking::Quit => {}
        }
        None
    }

    /// Goes to the next row that holds what is searched for, or the one before.
    pub fn find(&mut self, by: i64, here_too: bool) {
        let Some((list, model)) = self.list().zip(self.model.as_ref()) else { return };
        if self.search.filter().is_empty() || self.page.is_some() {
            return;
        }
        let (chosen, search) = (&self.lists[index(list)], &mut self.search);
        let count = chosen.order.len() as i64;
        let begin = i64::from(!here_too);
        let found = (begin..count + begin)
            .map(|step| (chosen.selected as i64 + step * by).rem_euclid(count) as usize)
            .find(|&at| model.holds(list, chosen.order[at], search));
        match found {
            Some(at) => self.select(list, at),
            None => self.message = Some("not found in this list".to_owned()),
        }
    }
}

/// Contacts from which on what nobody needs any more is freed beside the screen.
const DISCARD_MIN: usize = 1_000;

/// Frees what was shown before: a large snapshot takes longer than a picture.
fn discard(before: Ready) {
    if before.update.snapshot.contacts.len() < DISCARD_MIN {
        return;
    }
    // Without a thread it is freed here.
    let _ = thread::Builder::new().name("discard".to_owned()).spawn(move || drop(before));
}

/// Rows searched for the one that was selected before.
const KEPT_MAX: usize = 200_000;

fn index(list: List) -> usize {
    LISTS.iter().position(|other| *other == list).unwrap_or(0)
}
