//! Functions of lists, tuples and sets.

use super::Accepts::{self, Any, List, Number as Num, Set, String as Str};
use super::{Context, Failure, Function, MAX_ELEMENTS, Parameter, count, elements, number, size, whole};
use crate::convert::{convert, unify};
use crate::number::Number;
use crate::types::Type;
use crate::value::{Kind, Value};

const LIST: Parameter = Parameter::any("list");
const ALIKE: Parameter = Parameter::new("list", List(&Any));
const STRINGS: Accepts = List(&Str);
const SETS: Parameter = Parameter::new("sets", Set(&Any));

/// The most numbers `range` gives, as in Packer.
const MAX_RANGE: usize = 1024;

pub(super) const TABLE: &[Function] = &[
    Function::new("chunklist", &[ALIKE, Parameter::number("size")], List(&List(&Any)), chunklist)
        .keeping_marks()
        .partly_known(),
    Function::new("compact", &[Parameter::new("list", STRINGS)], STRINGS, |_, arguments| {
        let kept =
            elements(arguments, 0)?.iter().filter(|element| element.as_str().is_some_and(|text| !text.is_empty()));
        Ok(Value::list(Type::String, kept.cloned()))
    }),
    Function::new("concat", &[], Any, concat).rest(Parameter::any("lists")).keeping_marks().partly_known(),
    Function::new("distinct", &[ALIKE], List(&Any), distinct),
    Function::new("element", &[LIST, Parameter::number("index")], Any, element).keeping_marks().partly_known(),
    Function::new("flatten", &[LIST], Any, flatten).keeping_marks().partly_known(),
    Function::new("index", &[LIST, Parameter::any("value").nullable()], Num, index),
    Function::new("range", &[Parameter::number("limit")], List(&Num), range).rest(Parameter::number("limit")),
    Function::new("reverse", &[LIST], Any, reverse).keeping_marks().partly_known(),
    Function::new("setintersection", &[SETS], Set(&Any), set_intersection).rest(SETS),
    Function::new("setproduct", &[], Any, set_product).rest(Parameter::any("sets")),
    Function::new("setunion", &[SETS], Set(&Any), set_union).rest(SETS),
    Function::new("slice", &[LIST, Parameter::number("start"), Parameter::number("end")], Any, slice)
        .keeping_marks()
        .partly_known(),
    Function::new("sort", &[Parameter::new("list", STRINGS)], STRINGS, sort),
];

/// The kind of the first argument, which lists and tuples keep; sets become lists.
fn like(argument: Option<&Value>, elements: Vec<Value>) -> Value {
    match argument.map(|argument| &argument.kind) {
        Some(Kind::List(of, _) | Kind::Set(of, _)) => Value::list(of.clone(), elements),
        _ => Value::tuple(elements),
    }
}

/// An argument that has to be a list or tuple.
fn ordered(arguments: &[Value], index: usize) -> Result<&[Value], Failure> {
    if let Some(Kind::Set(..)) = arguments.get(index).map(|argument| &argument.kind) {
        return Err(Failure::at(index, "a list or tuple is required, since a set has no order")
            .help("`convert(…, list(any))` makes a list of it"));
    }
    elements(arguments, index)
}

/// Size 0 puts all into one part.
fn chunklist(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = elements(arguments, 0)?;
    let size = size(arguments, 1)?;
    let of = match arguments.first().map(|argument| &argument.kind) {
        Some(Kind::List(of, _)) => of.clone(),
        _ => Type::Any,
    };
    let size = if size == 0 { list.len().max(1) } else { size };
    let chunks = list.chunks(size).map(|chunk| Value::list(of.clone(), chunk.iter().cloned()));
    Ok(Value::list(Type::list(of.clone()), chunks))
}

/// A list if all are lists whose elements have a type in common, else a tuple.
fn concat(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    if arguments.is_empty() {
        return Err(Failure::new("at least one list is needed"));
    }
    let mut all = Vec::new();
    for index in 0..arguments.len() {
        all.extend_from_slice(ordered(arguments, index)?);
    }
    let types: Option<Vec<_>> = arguments
        .iter()
        .map(|argument| if let Kind::List(of, _) = &argument.kind { Some(of.clone()) } else { None })
        .collect();
    if let Some(of) = types.and_then(|types| unify(&types))
        && let Ok(list) = convert(&Value::tuple(all.iter().cloned()), &Type::list(of))
    {
        return Ok(list);
    }
    Ok(Value::tuple(all))
}

fn distinct(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut seen: Vec<&Value> = Vec::new();
    let mut kept = Vec::new();
    for element in elements(arguments, 0)? {
        if let Err(place) = seen.binary_search_by(|other| other.order(element)) {
            seen.insert(place, element);
            kept.push(element.clone());
        }
    }
    Ok(like(arguments.first(), kept))
}

/// Counts round and round, from the end for a negative index.
fn element(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = ordered(arguments, 0)?;
    let Ok(length @ 1..) = i64::try_from(list.len()) else {
        return Err(Failure::at(0, "an empty list has no elements"));
    };
    let index = whole(arguments, 1)?.rem_euclid(length);
    let found = usize::try_from(index).ok().and_then(|index| list.get(index));
    found.cloned().ok_or_else(|| Failure::at(1, "there is no such element"))
}

fn flatten(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut flat = Vec::new();
    let mut levels = vec![elements(arguments, 0)?.iter()];
    let mut sensitive = false;
    while let Some(level) = levels.last_mut() {
        let Some(element) = level.next() else {
            levels.pop();
            continue;
        };
        match (&element.kind, element.elements()) {
            (Kind::Unknown(of), _) if !of.is_primitive() => return Ok(Value::unknown().marked(sensitive)),
            (_, Some(inner)) => {
                sensitive |= element.sensitive;
                levels.push(inner.iter());
            }
            (_, None) => flat.push(element.clone()),
        }
        if flat.len() > MAX_ELEMENTS || levels.len() > MAX_ELEMENTS {
            return Err(Failure::new("the result is too large"));
        }
    }
    Ok(Value::tuple(flat).marked(sensitive))
}

fn index(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = ordered(arguments, 0)?;
    if list.is_empty() {
        return Err(Failure::at(0, "an empty list has no elements"));
    }
    let position = arguments.get(1).and_then(|wanted| list.iter().position(|other| other.equals(wanted) == Some(true)));
    position.map(count).ok_or_else(|| Failure::at(1, "this is not in the list"))
}

/// `range(limit)`, `range(start, limit)`, `range(start, limit, step)`; the limit itself is not reached.
fn range(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let zero = Number::from(0);
    let (start, limit) = match arguments.len() {
        1 => (zero.clone(), number(arguments, 0)),
        2 | 3 => (number(arguments, 0), number(arguments, 1)),
        count => return Err(Failure::new(format!("from one to three numbers are needed, not {count}"))),
    };
    let down = limit < start;
    let step = if arguments.len() == 3 { number(arguments, 2) } else { Number::from(if down { -1 } else { 1 }) };
    if step.is_zero() || (step.is_negative() != down && start != limit) {
        let message = if down {
            "the step must be negative to come down to the limit"
        } else {
            "the step must be positive to come up to the limit"
        };
        return Err(Failure::at(2, message));
    }
    let mut numbers = Vec::new();
    let mut next = start;
    while if down { next > limit } else { next < limit } {
        if numbers.len() == MAX_RANGE {
            return Err(Failure::new(format!("more than {MAX_RANGE} numbers are too many")));
        }
        numbers.push(Value::number(next.clone()));
        next = next.add(&step).ok_or_else(|| Failure::new("infinities cancel each other"))?;
    }
    Ok(Value::list(Type::Number, numbers))
}

fn reverse(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(like(arguments.first(), elements(arguments, 0)?.iter().rev().cloned().collect()))
}

fn slice(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = ordered(arguments, 0)?;
    let (start, end) = (size(arguments, 1)?, size(arguments, 2)?);
    if end > list.len() {
        return Err(Failure::at(2, format!("the end must not be beyond the length of the list, {}", list.len())));
    }
    let part = list.get(start..end).ok_or_else(|| Failure::at(1, "the start must not be after the end"))?;
    Ok(like(arguments.first(), part.to_vec()))
}

fn sort(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut sorted = elements(arguments, 0)?.to_vec();
    if let Some(index) = sorted.iter().position(Value::is_null) {
        return Err(Failure::at(0, format!("[{index}]: this must not be null")));
    }
    sorted.sort_by(Value::order);
    Ok(Value::list(Type::String, sorted))
}

/// The sets with one type of elements.
fn same_type(arguments: &[Value]) -> Result<(Type, Vec<Value>), Failure> {
    let types: Vec<_> = arguments
        .iter()
        .filter_map(|argument| match &argument.kind {
            // An empty tuple says nothing of a type.
            Kind::Set(of, elements) if !elements.is_empty() || *of != Type::Any => Some(of.clone()),
            _ => None,
        })
        .collect();
    let of = unify(&types).ok_or_else(|| Failure::new("the elements of all sets must have one type"))?;
    let set = Type::set(of.clone());
    let convert_one =
        |(index, argument)| convert(argument, &set).map_err(|mismatch| Failure::at(index, mismatch.to_string()));
    let sets = arguments.iter().enumerate().map(convert_one).collect::<Result<_, _>>()?;
    Ok((of, sets))
}

fn set_union(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (of, sets) = same_type(arguments)?;
    Ok(Value::set(of, sets.iter().flat_map(|set| set.elements().unwrap_or_default()).cloned()))
}

fn set_intersection(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (of, sets) = same_type(arguments)?;
    let Some((first, others)) = sets.split_first() else { return Ok(Value::set(of, [])) };
    // The elements of sets are sorted.
    let is_in = |set: &Value, element: &Value| {
        let elements = set.elements().unwrap_or_default();
        elements.binary_search_by(|other| other.order(element)).is_ok()
    };
    let common =
        first.elements().unwrap_or_default().iter().filter(|element| others.iter().all(|set| is_in(set, element)));
    Ok(Value::set(of, common.cloned()))
}

/// All combinations of one element from each: a list of tuples if one of them has an order, else a set of tuples.
fn set_product(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    if arguments.len() < 2 {
        return Err(Failure::new("at least two sets are needed"));
    }
    let mut lists = Vec::new();
    let mut total = 1_usize;
    for (index, argument) in arguments.iter().enumerate() {
        elements(arguments, index)?;
        let list =
            convert(argument, &Type::list(Type::Any)).map_err(|mismatch| Failure::at(index, mismatch.to_string()))?;
        total = total.saturating_mul(list.elements().unwrap_or_default().len());
        lists.push(list);
    }
    if total.saturating_mul(lists.len()) > MAX_ELEMENTS {
        return Err(Failure::new("the result is too large"));
    }
    let mut combinations: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        let elements = list.elements().unwrap_or_default();
        let extended = |combination: &Vec<Value>| {
            let combination = combination.clone();
            elements.iter().map(move |element| {
                let mut longer = combination.clone();
                longer.push(element.clone());
                longer
            })
        };
        combinations = combinations.iter().flat_map(extended).collect();
    }
    let types: Vec<_> =
        lists.iter().map(|list| if let Kind::List(of, _) = &list.kind { of.clone() } else { Type::Any }).collect();
    let of = Type::tuple(types);
    let tuples = combinations.into_iter().map(Value::tuple);
    let sets = arguments.iter().all(|argument| matches!(argument.kind, Kind::Set(..)));
    Ok(if sets { Value::set(of, tuples) } else { Value::list(of, tuples) })
}
