//! The resources below `/services/data/vXX.X/`.

use serde_json::{Map, Value, json};

use super::org::{ApiError, Org};
use super::soql;

/// An answer's status and body.
pub(super) type Answer = Result<(u16, Value), ApiError>;

/// Records in one page of a query.
const PAGE: usize = 200;

/// Answers one request, or one part of a composite one.
pub(super) fn answer(
    org: &mut Org,
    method: &str,
    path: &str,
    query: &[(String, String)],
    body: &Value,
) -> Answer {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let parameter = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let missing = || ApiError::new(404, "NOT_FOUND", "The requested resource does not exist");
    match (method, parts.as_slice()) {
        ("GET", ["query"]) => {
            page(soql::run(org, parameter("q").ok_or_else(missing)?)?, parameter("q").unwrap_or_default(), 0)
        }
        ("GET", ["queryAll"]) => {
            let soql = parameter("q").ok_or_else(missing)?;
            page(soql::run_all(org, soql)?, soql, 0)
        }
        ("GET", ["query", locator]) => {
            let (soql, from) = read_locator(locator).ok_or_else(missing)?;
            page(soql::run(org, &soql)?, &soql, from)
        }
        ("GET", ["limits"]) => Ok((200, json!({"DailyApiRequests": {"Max": 15_000, "Remaining": 14_998}}))),
        ("GET", ["sobjects"]) => {
            let objects = org
                .objects()
                .iter()
                .map(|o| json!({"name": o.name, "keyPrefix": o.prefix, "createable": org.creatable(o)}));
            Ok((
                200,
                json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects.collect::<Vec<_>>()}),
            ))
        }
        ("GET", ["sobjects", name, "describe"]) => {
            // Where an object is not there, its resource is not either.
            let object = org.object(name).map_err(|_| missing())?;
            Ok((200, object.describe(org.creatable(object))))
        }
        ("POST", ["sobjects", name]) => Ok((201, created(&org.create(name, fields(body)?)?, true))),
        ("GET", ["sobjects", name, id]) => {
            let record = org.get(name, id)?.clone();
            let wanted =
                parameter("fields").map(|fields| fields.split(',').map(str::trim).collect::<Vec<_>>());
            let wanted =
                |field: &str| field == "Id" || wanted.as_ref().is_none_or(|wanted| wanted.contains(&field));
            let mut shown: Map<String, Value> =
                record.into_iter().filter(|(field, _)| wanted(field)).collect();
            for field in parameter("fields").into_iter().flat_map(|f| f.split(',')) {
                shown.entry(field.trim()).or_insert(Value::Null);
            }
            shown.insert(
                "attributes".into(),
                json!({"type": name, "url": format!("/services/data/v66.0/sobjects/{name}/{id}")}),
            );
            Ok((200, Value::Object(shown)))
        }
        ("PATCH", ["sobjects", name, id]) => org.update(name, id, fields(body)?).map(|()| (204, Value::Null)),
        ("DELETE", ["sobjects", name, id]) => org.delete(name, id).map(|()| (204, Value::Null)),
        ("GET", ["sobjects", name, field, value]) => {
            let name = org.object(name)?.name;
            let record = org.find_by(name, field, value).cloned().ok_or_else(missing)?;
            Ok((200, Value::Object(record)))
        }
        ("PATCH", ["sobjects", name, field, value]) => upsert(org, name, field, value, body),
        ("PATCH", ["composite", "sobjects"]) => update_many(org, body),
        ("POST", ["composite"]) => composite(org, body),
        ("POST", ["actions", "standard", name @ "removeTargetFromSalesCadence"])
            if org.object("ActionCadenceTracker").is_ok() =>
        {
            remove_from_cadences(org, name, body)
        }
        _ => Err(missing()),
    }
}

fn page(mut records: Vec<Value>, soql: &str, from: usize) -> Answer {
    let total = records.len();
    records.drain(..from.min(total));
    let more = records.len() > PAGE;
    records.truncate(PAGE);
    let mut answer = json!({"totalSize": total, "done": !more, "records": records});
    if let (true, Value::Object(answer)) = (more, &mut answer) {
        let next = format!("/services/data/v66.0/query/{}", write_locator(soql, from + PAGE));
        answer.insert("nextRecordsUrl".into(), json!(next));
    }
    Ok((200, answer))
}

/// A locator that needs no memory: the query in hex, and where to go on.
fn write_locator(soql: &str, from: usize) -> String {
    let hex: String = soql.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}-{from}")
}

fn read_locator(locator: &str) -> Option<(String, usize)> {
    let (hex, from) = locator.split_once('-')?;
    let bytes: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect();
    Some((String::from_utf8(bytes?).ok()?, from.parse().ok()?))
}

fn upsert(org: &mut Org, name: &str, field: &str, value: &str, body: &Value) -> Answer {
    let object = org.object(name)?;
    let name = object.name;
    if !object.field(field).is_some_and(|field| field.key) {
        return Err(ApiError::new(
            404,
            "NOT_FOUND",
            "Provided external ID field does not exist or is not accessible",
        ));
    }
    let there =
        org.find_by(name, field, value).and_then(|r| r.get("Id")).and_then(Value::as_str).map(str::to_owned);
    match there {
        Some(id) => {
            org.update(name, &id, fields(body)?)?;
            Ok((200, created(&id, false)))
        }
        None => {
            let mut record = fields(body)?.clone();
            record.insert(field.to_owned(), json!(value));
            Ok((201, created(&org.create(name, &record)?, true)))
        }
    }
}

fn update_many(org: &mut Org, body: &Value) -> Answer {
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let savepoint = org.clone();
    let mut results = Vec::new();
    for record in body.get("records").and_then(Value::as_array).into_iter().flatten() {
        let mut changes = fields(record)?.clone();
        let name = changes.remove("attributes").and_then(|a| a.get("type")?.as_str().map(str::to_owned));
        let id = changes.remove("id").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
        results.push((id.clone(), org.update(&name.unwrap_or_default(), &id, &changes)));
    }
    let failed = results.iter().any(|(_, result)| result.is_err());
    if failed && all_or_none {
        restore(org, savepoint);
    }
    let rolled_back = ApiError::new(
        400,
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid",
    );
    let shown = results.into_iter().map(|(id, result)| match result {
        Err(error) => json!({"success": false, "errors": [error.in_collection()]}),
        Ok(()) if failed && all_or_none => json!({"success": false, "errors": [rolled_back.in_collection()]}),
        Ok(()) => json!({"id": id, "success": true, "errors": []}),
    });
    Ok((200, Value::Array(shown.collect())))
}

/// Each input has its own result; where one has failed, the whole answer is a 400.
fn remove_from_cadences(org: &mut Org, name: &str, body: &Value) -> Answer {
    let inputs = body.get("inputs").and_then(Value::as_array).cloned().unwrap_or_default();
    let results: Vec<Result<(), ApiError>> =
        inputs.iter().map(|input| org.remove_from_cadence(input)).collect();
    let status = if results.iter().all(Result::is_ok) { 200 } else { 400 };
    let shown = results.iter().map(|result| {
        let errors = result.as_ref().err().map(|error| json!([error.in_collection()]));
        json!({"actionName": name, "errors": errors, "isSuccess": result.is_ok(), "outputValues": null})
    });
    Ok((status, Value::Array(shown.collect())))
}

fn composite(org: &mut Org, body: &Value) -> Answer {
    let requests = body.get("compositeRequest").and_then(Value::as_array).cloned().unwrap_or_default();
    let queries = requests
        .iter()
        .filter(|r| r.get("url").and_then(Value::as_str).is_some_and(|u| u.contains("/query")))
        .count();
    if requests.len() > 25 || queries > 5 {
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", "Maximum number of subrequests exceeded"));
    }
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let savepoint = org.clone();
    let mut answers: Vec<(String, Answer)> = Vec::new();
    for request in &requests {
        let text = |name| request.get(name).and_then(Value::as_str).unwrap_or_default();
        let halted = all_or_none && answers.iter().any(|(_, answer)| answer.is_err());
        let result = if halted { Err(processing_halted()) } else { part(org, request, &answers) };
        answers.push((text("referenceId").to_owned(), result));
    }
    let failed = all_or_none && answers.iter().any(|(_, answer)| answer.is_err());
    if failed {
        restore(org, savepoint);
    }
    let shown = answers.into_iter().map(|(id, answer)| {
        let answer = if failed { answer.and_then(|_| Err(processing_halted())) } else { answer };
        let (status, body) = answer.unwrap_or_else(|error| (error.status, error.json()));
        json!({"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": id})
    });
    Ok((200, json!({"compositeResponse": shown.collect::<Vec<_>>()})))
}

fn part(org: &mut Org, request: &Value, before: &[(String, Answer)]) -> Answer {
    let text = |name| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut body = request.get("body").cloned().unwrap_or_default();
    refer(&mut body, before)?;
    let malformed = || ApiError::new(400, "BAD_REQUEST", "The url of a subrequest is not one");
    let url = reqwest::Url::parse("http://localhost")
        .and_then(|base| base.join(text("url")))
        .map_err(|_| malformed())?;
    let path = url.path().splitn(5, '/').nth(4).ok_or_else(malformed)?;
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    answer(org, text("method"), path, &query, &body)
}

/// Puts the results of earlier parts where `@{ID.field}` stands.
fn refer(value: &mut Value, before: &[(String, Answer)]) -> Result<(), ApiError> {
    match value {
        Value::Object(fields) => fields.values_mut().try_for_each(|value| refer(value, before)),
        Value::Array(values) => values.iter_mut().try_for_each(|value| refer(value, before)),
        Value::String(text) => {
            let Some((id, field)) =
                text.strip_prefix("@{").and_then(|t| t.strip_suffix('}')).and_then(|t| t.split_once('.'))
            else {
                return Ok(());
            };
            let earlier =
                before.iter().find(|(name, _)| name == id).and_then(|(_, answer)| answer.as_ref().ok());
            let found = earlier.and_then(|(_, body)| body.get(field)).cloned();
            *value = found
                .ok_or_else(|| ApiError::new(400, "PROCESSING_HALTED", "Invalid reference specified."))?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Back to before, but for the locked row, which has been met.
fn restore(org: &mut Org, savepoint: Org) {
    *org = savepoint;
    org.locked = false;
}

fn processing_halted() -> ApiError {
    let message = "The transaction was rolled back since another operation in the same transaction failed.";
    ApiError::new(400, "PROCESSING_HALTED", message)
}

fn created(id: &str, new: bool) -> Value {
    json!({"id": id, "success": true, "errors": [], "created": new})
}

fn fields(body: &Value) -> Result<&Map<String, Value>, ApiError> {
    body.as_object()
        .ok_or_else(|| ApiError::new(400, "JSON_PARSER_ERROR", "The HTTP entity body is required"))
}
