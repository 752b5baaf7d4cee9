use jiff::civil::{Date, date};

use super::*;

/// A Monday.
const SENT: Date = date(2026, 11, 23);

fn day(text: &str) -> Option<Date> {
    (!text.is_empty()).then(|| text.parse().unwrap())
}

fn check(rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in rows {
        let got = returns_on(text, SENT);
        if got != day(expected) {
            wrong.push(format!("{text}\n    expected {expected:?}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn english_returns_are_found() {
    check(&[
        ("I am out of the office and will be back on Monday, December 7.", "2026-12-07"),
        ("I'm out of office until 7 December 2026.", "2026-12-07"),
        ("I am out of the office until Monday, 7th December.", "2026-12-07"),
        ("I am on annual leave from 1 to 12 December.", "2026-12-13"),
        ("I am on annual leave from 1st December to 12th December 2026 inclusive.", "2026-12-13"),
        ("I will be out of the office December 1 - 4, 2026.", "2026-12-05"),
        ("I will be out of the office Dec 1-4.", "2026-12-05"),
        ("I will be out through Friday, December 4th.", "2026-12-05"),
        ("I'm away until 4 December inclusive.", "2026-12-05"),
        ("I will return to the office on Tuesday 1 December.", "2026-12-01"),
        ("I am on vacation, returning Thursday, Dec. 3rd.", "2026-12-03"),
        ("Out of office. Return date: 2026-12-03", "2026-12-03"),
        ("I'm on holiday and will be back in the office on 03/12/2026. I left on 27/11/2026.", "2026-12-03"),
        ("I am out of the office from 11/25/2026 to 12/04/2026.", "2026-12-05"),
        ("I will be back on 13/12/2026.", "2026-12-13"),
        ("I will be back on 12/13/2026.", "2026-12-13"),
        ("I will be back on Thursday 03/12.", "2026-12-03"),
        ("I will be back on 12/01/2027.", ""),
        ("I will be back on 01/12/2026.", "2026-12-01"),
        ("I will be back on 12/12.", "2026-12-12"),
        ("I will be back tomorrow.", "2026-11-24"),
        ("I am out today and will be back on Wednesday.", "2026-11-25"),
        ("I'm out of the office this week and back next Monday.", ""),
        ("I will be back in two weeks.", "2026-12-07"),
        ("I will be back in the office on the 30th.", "2026-11-30"),
        ("I am out of the office. I'll be back January 4th.", "2027-01-04"),
        ("I am on parental leave and will return on 5 January.", "2027-01-05"),
        ("I am not in the office and will not be back until December 7.", "2026-12-07"),
        ("I will be out of the office beginning 11/20/2026 and returning 12/03/2026.", "2026-12-03"),
        (
            "I'm currently out of the office, returning on Monday 30 November. For urgent matters call Alan.",
            "2026-11-30",
        ),
    ]);
}

#[test]
fn english_texts_without_a_certain_return_give_none() {
    check(&[
        ("I am out of the office.", ""),
        ("I am out of the office for two weeks.", ""),
        ("I will be back next week.", ""),
        ("I'll be back in January.", ""),
        ("I will be back soon. Our conference is on 3 December.", ""),
        ("I will return your call on Monday.", ""),
        ("I'll get back to you on 3 December.", ""),
        ("This offer is valid until 5 December.", ""),
        ("I am available 24/7 again soon.", ""),
        ("I will be back on Monday, 8 December.", ""),
        ("I'm away; back on 1 December or 8 December.", ""),
        ("I am on leave starting 1 December.", ""),
        ("I will not be back on Monday.", ""),
        ("I am back on 03/04.", ""),
        ("I'll be back at 14:30.", ""),
        ("Call +1 555 12 12 2026 when I am out of the office.", ""),
        ("I will be back on 31 February.", ""),
        ("", ""),
    ]);
}

#[test]
fn returns_are_found_in_all_languages() {
    check(&[
        // Spanish
        ("Estaré fuera de la oficina hasta el 4 de diciembre.", "2026-12-05"),
        ("Estoy de vacaciones del 23 de noviembre al 4 de diciembre de 2026.", "2026-12-05"),
        ("Me encuentro de vacaciones. Vuelvo el lunes 7 de diciembre.", "2026-12-07"),
        ("Estoy de vacaciones, estaré de vuelta el 07/12/2026.", "2026-12-07"),
        ("Estoy de viaje y regreso mañana.", "2026-11-24"),
        // French
        ("Je suis absent jusqu'au 4 décembre inclus.", "2026-12-05"),
        ("Je suis en congés du 23/11 au 04/12.", "2026-12-05"),
        ("Je suis absente et serai de retour le lundi 7 décembre 2026.", "2026-12-07"),
        ("Je suis en congé. De retour au bureau le 1er décembre.", "2026-12-01"),
        ("Absent à partir du 5 décembre.", ""),
        // German
        ("Ich bin bis zum 4. Dezember 2026 nicht im Büro.", "2026-12-05"),
        ("Ich bin bis einschließlich 04.12. nicht im Büro.", "2026-12-05"),
        ("Ich bin vom 23.11. bis 04.12.2026 im Urlaub.", "2026-12-05"),
        ("Ich bin im Urlaub und ab dem 7. Dezember wieder im Büro.", "2026-12-07"),
        ("Am Montag, den 07.12.2026 bin ich wieder für Sie da.", "2026-12-07"),
        ("Ich bin ab dem 5.12. im Urlaub.", ""),
        ("Ich bin erst wieder am 7.12. im Haus.", "2026-12-07"),
        ("Ich bin derzeit nicht im Büro. Ich bin am 30. November zurück.", "2026-11-30"),
        ("Ich bin ab morgen wieder erreichbar.", "2026-11-24"),
        ("In zwei Wochen bin ich wieder im Büro.", "2026-12-07"),
        // Portuguese
        ("Estou de férias até 4 de dezembro.", "2026-12-05"),
        ("Estarei fora do escritório de 23/11 a 04/12.", "2026-12-05"),
        ("Estou de férias e retornarei no dia 7 de dezembro.", "2026-12-07"),
        ("Estou ausente. Volto segunda-feira, 7 de dezembro de 2026.", "2026-12-07"),
        // Italian
        ("Sono in ferie fino al 4 dicembre compreso.", "2026-12-05"),
        ("Sono fuori ufficio dal 23/11/2026 al 04/12/2026.", "2026-12-05"),
        ("Sono in ferie, rientro lunedì 7 dicembre.", "2026-12-07"),
        ("Sarò assente e tornerò in ufficio il 7 dicembre 2026.", "2026-12-07"),
        // Dutch
        ("Ik ben tot 7 december afwezig.", "2026-12-07"),
        ("Ik ben afwezig tot en met 4 december.", "2026-12-05"),
        ("Ik ben op vakantie van 23 november t/m 4 december 2026.", "2026-12-05"),
        ("Ik ben op vakantie. Vanaf maandag 7 december ben ik weer bereikbaar.", "2026-12-07"),
        ("Ik ben niet op kantoor en ben terug op 07-12-2026.", "2026-12-07"),
        // Swedish
        ("Jag är på semester till och med 4 december.", "2026-12-05"),
        ("Jag är inte på kontoret. Jag är åter måndag den 7 december.", "2026-12-07"),
        ("Jag är ledig och är tillbaka den 7/12.", "2026-12-07"),
        ("Jag har semester 23/11 - 4/12.", "2026-12-05"),
        // Danish
        ("Jeg holder ferie til og med den 4. december.", "2026-12-05"),
        ("Jeg er på ferie og er tilbage på kontoret mandag den 7. december.", "2026-12-07"),
        ("Jeg er ikke på kontoret. Jeg er tilbage d. 07.12.2026.", "2026-12-07"),
        // Norwegian
        ("Jeg er på ferie til og med 4. desember.", "2026-12-05"),
        ("Jeg er ikke på kontoret, men er tilbake mandag 7. desember.", "2026-12-07"),
        ("Jeg har ferie fra 23.11 til 04.12.2026.", "2026-12-05"),
        // Finnish
        ("Olen lomalla 4.12. asti.", "2026-12-05"),
        ("Olen vuosilomalla 23.11.-4.12.2026.", "2026-12-05"),
        ("Olen lomalla. Palaan töihin maanantaina 7.12.", "2026-12-07"),
        ("Olen poissa toimistolta ja palaan 7. joulukuuta 2026.", "2026-12-07"),
        // Polish
        ("Jestem na urlopie do 4 grudnia.", "2026-12-05"),
        ("Przebywam na urlopie od 23.11.2026 do 04.12.2026 włącznie.", "2026-12-05"),
        ("Jestem poza biurem. Wracam 7 grudnia 2026.", "2026-12-07"),
        ("Nie ma mnie w biurze, wrócę w poniedziałek 7 grudnia.", "2026-12-07"),
        // Czech
        ("Jsem na dovolené do 4. prosince.", "2026-12-05"),
        ("Čerpám dovolenou od 23. 11. do 4. 12. 2026 včetně.", "2026-12-05"),
        ("Nejsem v kanceláři, vrátím se v pondělí 7. prosince.", "2026-12-07"),
        ("Jsem mimo kancelář. Zpět budu 7.12.2026.", "2026-12-07"),
        // Turkish
        ("4 Aralık'a kadar izindeyim.", "2026-12-05"),
        ("Yıllık izindeyim. 7 Aralık Pazartesi günü ofiste olacağım.", "2026-12-07"),
        ("23.11.2026 - 04.12.2026 tarihleri arasında yıllık izindeyim.", "2026-12-05"),
        ("İzindeyim, 7 Aralık 2026'da döneceğim.", "2026-12-07"),
        // Russian
        ("Я в отпуске до 4 декабря включительно.", "2026-12-05"),
        ("Нахожусь в отпуске с 23 ноября по 4 декабря 2026 г.", "2026-12-05"),
        ("Я в отпуске. Вернусь в понедельник, 7 декабря.", "2026-12-07"),
        ("Меня нет в офисе, буду на месте 07.12.2026.", "2026-12-07"),
        // Japanese
        ("12月4日まで休暇をいただいております。", "2026-12-05"),
        ("11月23日(月)から12月4日(金)まで不在にしております。", "2026-12-05"),
        ("休暇中です。12月7日(月)より通常通り業務を再開いたします。", "2026-12-07"),
        ("2026年12月7日に出社いたします。それまで不在です。", "2026-12-07"),
        ("2週間後に戻ります。休暇中です。", "2026-12-07"),
        // Chinese
        ("我正在休假,12月7日返回办公室。", "2026-12-07"),
        ("我将于2026年11月23日至12月4日休假。", "2026-12-05"),
        ("我休假至12月4日。", "2026-12-05"),
        ("我在出差,将于12月7日回到办公室。", "2026-12-07"),
        // Korean
        ("12월 4일까지 휴가 중입니다.", "2026-12-05"),
        ("11월 23일부터 12월 4일까지 부재중입니다.", "2026-12-05"),
        ("휴가 중입니다. 12월 7일에 복귀합니다.", "2026-12-07"),
        ("출장 중입니다. 복귀일은 2026년 12월 7일입니다.", "2026-12-07"),
    ]);
}

#[test]
fn one_text_in_two_languages_means_one_day() {
    check(&[
        ("I am out of the office until 4 December. // Ich bin bis 4. Dezember nicht im Büro.", "2026-12-05"),
        ("Je suis absent, de retour le 7 décembre. I am away and will be back on 7 December.", "2026-12-07"),
        ("I am away and will be back on 7 December. Ich bin am 8. Dezember zurück.", ""),
    ]);
}

#[test]
fn weekdays_and_relative_days_follow_the_day_of_sending() {
    let rows = [
        ("I'll be back on Monday.", date(2026, 11, 24), Some(date(2026, 11, 30))),
        ("I'll be back on Monday.", date(2026, 11, 23), None),
        ("I'll be back next Monday.", date(2026, 11, 26), Some(date(2026, 11, 30))),
        ("I'll be back next Friday.", date(2026, 11, 24), None),
        ("Ich bin nächsten Montag zurück.", date(2026, 11, 26), Some(date(2026, 11, 30))),
        ("I'll be back on 2 January.", date(2026, 12, 23), Some(date(2027, 1, 2))),
        ("I was away and am back on 3 November.", date(2026, 11, 23), Some(date(2026, 11, 3))),
    ];
    for (text, sent, expected) in rows {
        assert_eq!(returns_on(text, sent), expected, "{text} on {sent}");
    }
}

#[test]
fn icloud_states_its_dates_in_a_header() {
    assert_eq!(
        returns_on_apple("{kind=VACATION,startDate=2026-11-23,endDate=2026-12-04}"),
        Some(date(2026, 12, 5))
    );
    assert_eq!(
        returns_on_apple("{kind=VACATION, endDate=\"2026-12-04T23:59:59Z\"}"),
        Some(date(2026, 12, 5))
    );
    assert_eq!(returns_on_apple("{kind=VACATION}"), None);
}

#[test]
fn contacts_meanwhile_are_told_from_the_authors_and_the_signatures_addresses() {
    let rows = [
        ("For urgent matters please contact Alan Bradley (alan@encom.example).", Some("alan@encom.example")),
        ("In my absence, write to ALAN@encom.example or lora@encom.example.", Some("alan@encom.example")),
        ("In dringenden Fällen wenden Sie sich bitte an alan@encom.example.", Some("alan@encom.example")),
        ("En cas d'urgence, contactez alan@encom.example.", Some("alan@encom.example")),
        ("En caso de urgencia, póngase en contacto con alan@encom.example", Some("alan@encom.example")),
        ("Em caso de urgência, entre em contato com alan@encom.example.", Some("alan@encom.example")),
        ("Per urgenze scrivere a alan@encom.example.", Some("alan@encom.example")),
        ("Neem bij dringende zaken contact op met alan@encom.example.", Some("alan@encom.example")),
        ("Vid brådskande ärenden, kontakta alan@encom.example.", Some("alan@encom.example")),
        ("Kontakt venligst alan@encom.example i mit fravær.", Some("alan@encom.example")),
        ("Ta kontakt med alan@encom.example ved hastesaker.", Some("alan@encom.example")),
        ("Kiireellisissä asioissa ota yhteyttä: alan@encom.example", Some("alan@encom.example")),
        ("W pilnych sprawach proszę o kontakt: alan@encom.example", Some("alan@encom.example")),
        ("V naléhavých případech kontaktujte alan@encom.example.", Some("alan@encom.example")),
        ("Acil durumlarda alan@encom.example adresinden ulaşabilirsiniz.", Some("alan@encom.example")),
        ("По срочным вопросам обращайтесь: alan@encom.example", Some("alan@encom.example")),
        ("お急ぎの場合は、alan@encom.exampleまでご連絡ください。", Some("alan@encom.example")),
        ("如有急事请联系alan@encom.example。", Some("alan@encom.example")),
        ("급한 용건은 alan@encom.example로 연락 주세요.", Some("alan@encom.example")),
        ("I am away.\n\nKevin Flynn\nkevin@flynn.example", None),
        ("You can reach me at kevin.private@mail.example.", None),
        ("Please contact kevin@encom.example.", None),
        ("Please contact kevin+away@encom.example.", None),
        ("Please contact noreply@encom.example.", None),
        ("Please contact Alan.", None),
        ("Please contact @alan.", None),
    ];
    for (text, expected) in rows {
        assert_eq!(alternative_contact(text, Some("Kevin@encom.example")).as_deref(), expected, "{text}");
    }
}

#[test]
fn no_text_panics_and_no_date_comes_from_nowhere() {
    proptest::proptest!(|(text in "(\\PC|[0-9]|back on |until |bis |\\.|/|-| |dez|december |monday |年|月|日|まで){0,60}")| {
        let date = returns_on(&text, SENT);
        proptest::prop_assert!(date.is_none() || text.chars().any(char::is_alphanumeric));
        let _ = alternative_contact(&text, None);
        let _ = signal(&text, &text);
    });
}

/// Mails as products write them: their header's marks are looked at elsewhere, here it is their words.
#[test]
fn notices_of_products_are_understood_from_the_whole_mail() {
    let mail = |subject: &str, rest: &str| {
        format!(
            "From: Kevin Flynn <kevin@encom.example>\nTo: rep@sales.example\nSubject: {subject}\nDate: Mon, 23 Nov 2026 09:00:00 +0000\nMIME-Version: 1.0\n{rest}"
        )
    };
    let plain = "Content-Type: text/plain; charset=utf-8\n\n";
    let html = "Content-Type: text/html; charset=utf-8\n\n";
    let exchange = "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"><style>p.MsoNormal{margin:0}</style></head><body><div class=WordSection1>";
    // (product, mail, first day back, contact)
    let rows = [
        (
            "Exchange Online, English",
            mail(
                "Automatic reply: Space Paranoids",
                &format!(
                    "{html}{exchange}<p class=MsoNormal>Thank you for your message. I am out of the office until Monday, December 7, with limited access to email.</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>For anything urgent, please contact <a href=\"mailto:alan@encom.example\">alan@encom.example</a>.</p><p class=MsoNormal>Kevin</p></div></body></html>"
                ),
            ),
            "2026-12-07",
            "alan@encom.example",
        ),
        (
            "Exchange on premises, German",
            mail(
                "Abwesenheitsnotiz: Space Paranoids",
                &format!(
                    "{plain}Sehr geehrte Damen und Herren,\n\nich bin vom 23.11.2026 bis einschließlich 04.12.2026 nicht im Büro. Ihre E-Mail wird nicht weitergeleitet.\nIn dringenden Fällen wenden Sie sich bitte an Alan Bradley (alan@encom.example).\n\nMit freundlichen Grüßen\nKevin Flynn\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Exchange, French",
            mail(
                "Réponse automatique : Space Paranoids",
                &format!(
                    "{plain}Bonjour,\n\nJe suis actuellement en congés et serai de retour le lundi 7 décembre.\nPour toute urgence, vous pouvez contacter Alan : alan@encom.example\n\nCordialement,\nKevin\n"
                ),
            ),
            "2026-12-07",
            "alan@encom.example",
        ),
        (
            "Outlook.com, Spanish",
            mail(
                "Respuesta automática: Space Paranoids",
                &format!(
                    "{html}<div>Gracias por su correo. Me encuentro fuera de la oficina hasta el 4 de diciembre.<br>Si es urgente, escriba a alan@encom.example.</div>"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Gmail vacation, English",
            mail(
                "Out of office Re: Space Paranoids",
                &format!(
                    "{html}<div dir=\"ltr\">Hi,<div><br></div><div>I&#39;m on vacation from Nov 20 to Dec 4 and will reply when I return.</div></div>"
                ),
            ),
            "2026-12-05",
            "",
        ),
        (
            "Gmail vacation, Japanese",
            mail(
                "=?utf-8?Q?=E4=BC=91=E6=9A=87?=",
                &format!(
                    "{plain}お世話になっております。\n11月23日から12月4日まで休暇をいただいております。\nお急ぎの場合は alan@encom.example までご連絡ください。\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "iCloud, Italian",
            mail("Re: Space Paranoids", &format!("{plain}Sono in ferie, rientro lunedì 7 dicembre.\n")),
            "2026-12-07",
            "",
        ),
        (
            "HCL Notes",
            mail(
                "Kevin Flynn is out of the office (returning 12/07/2026)",
                &format!(
                    "{plain}I am out of the office until 12/17/2026.\n\nNote: This is an automated response to your message \"Space Paranoids\" sent on 11/23/2026 9:00:00 AM. This is the only notification you will receive while this person is away.\n"
                ),
            ),
            "2026-12-17",
            "",
        ),
        (
            "GroupWise, Dutch",
            mail(
                "Antw: Space Paranoids",
                &format!(
                    "{plain}Ik ben tot en met 4 december met vakantie. Bij dringende zaken kunt u contact opnemen met alan@encom.example.\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Zimbra, Polish",
            mail(
                "Space Paranoids",
                &format!(
                    "{plain}Dzień dobry,\nprzebywam na urlopie do 4 grudnia. W pilnych sprawach proszę o kontakt z alan@encom.example.\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Sieve vacation, English",
            mail("Auto: Space Paranoids", &format!("{plain}I'm away until 2026-12-07.\n")),
            "2026-12-07",
            "",
        ),
        (
            "cPanel",
            mail(
                "Autoreply: Space Paranoids",
                &format!(
                    "{plain}Hello, I am currently out of the office. I will be back on 7th December 2026. Regards\n"
                ),
            ),
            "2026-12-07",
            "",
        ),
        (
            "Swedish",
            mail(
                "Autosvar: Space Paranoids",
                &format!(
                    "{plain}Hej!\nJag är på semester och är åter på kontoret måndagen den 7 december.\nVid brådskande ärenden kontakta alan@encom.example\n\nMvh\nKevin\n"
                ),
            ),
            "2026-12-07",
            "alan@encom.example",
        ),
        (
            "Finnish",
            mail(
                "Automaattinen vastaus: Space Paranoids",
                &format!(
                    "{plain}Olen lomalla 23.11.-4.12.2026. Kiireellisissä asioissa ota yhteyttä alan@encom.example.\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Czech",
            mail(
                "Automatická odpověď: Space Paranoids",
                &format!(
                    "{plain}Dobrý den,\nod 23. 11. do 4. 12. 2026 čerpám dovolenou. V naléhavých případech kontaktujte kolegu: alan@encom.example\nS pozdravem\nKevin\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Turkish",
            mail(
                "Otomatik yanıt: Space Paranoids",
                &format!(
                    "{plain}Merhaba,\n4 Aralık'a kadar yıllık izindeyim. Acil durumlarda alan@encom.example adresinden ulaşabilirsiniz.\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Russian",
            mail(
                "Автоматический ответ: Space Paranoids",
                &format!(
                    "{plain}Здравствуйте! Я нахожусь в отпуске с 23 ноября по 4 декабря. По срочным вопросам обращайтесь: alan@encom.example\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Chinese",
            mail(
                "自动回复: Space Paranoids",
                &format!(
                    "{plain}您好,我正在休假,将于12月7日返回办公室。如有急事请联系 alan@encom.example。\n"
                ),
            ),
            "2026-12-07",
            "alan@encom.example",
        ),
        (
            "Korean",
            mail(
                "자동 회신: Space Paranoids",
                &format!(
                    "{plain}안녕하세요. 11월 23일부터 12월 4일까지 휴가 중입니다. 급한 용건은 alan@encom.example 로 연락 주시기 바랍니다.\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Portuguese",
            mail(
                "Resposta automática: Space Paranoids",
                &format!(
                    "{plain}Olá,\nEstou de férias e retorno no dia 7 de dezembro. Em caso de urgência, favor contatar alan@encom.example.\nAtenciosamente,\nKevin\n"
                ),
            ),
            "2026-12-07",
            "alan@encom.example",
        ),
        (
            "Danish",
            mail(
                "Automatisk svar: Space Paranoids",
                &format!(
                    "{plain}Jeg holder ferie til og med fredag den 4. december. Kontakt alan@encom.example, hvis det haster.\n"
                ),
            ),
            "2026-12-05",
            "alan@encom.example",
        ),
        (
            "Norwegian",
            mail(
                "Automatisk svar: Space Paranoids",
                &format!(
                    "{plain}Hei, jeg er på ferie og er tilbake mandag 7. desember. Ta kontakt med alan@encom.example ved hastesaker.\n"
                ),
            ),
            "2026-12-07",
            "alan@encom.example",
        ),
    ];
    let mut wrong = Vec::new();
    for (product, raw, back, contact) in rows {
        let text = crate::text::newly_written(raw.as_bytes());
        let got = (
            returns_on(&text, SENT),
            alternative_contact(&text, Some("kevin@encom.example")).unwrap_or_default(),
        );
        if got != (day(back), contact.to_owned()) || signal("", &text).text < Strength::Weak {
            wrong.push(format!("{product}: {got:?}\n{text}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
