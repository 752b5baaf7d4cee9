use super::*;

fn plain(text: &str) -> String {
    from_plain(text, Flowed::No)
}

/// Quoting styles of programs and languages around one answer: every one must leave exactly the answer.
#[test]
fn what_programs_put_below_an_answer_goes() {
    let answer = "Yes, Tuesday at ten works for us.\n\nShall we meet at the arcade?";
    let below = [
        // Gmail, wrapped and not, and in other languages.
        "On Mon, Nov 23, 2026 at 9:00 AM Rep <rep@sales.example> wrote:\n\n> Hello\n> Tuesday?",
        "On Mon, Nov 23, 2026 at 9:00 AM Representative <\nrepresentative.with.a.long.address@sales.example> wrote:\n\n> Hello",
        "Am Mo., 23. Nov. 2026 um 09:00 Uhr schrieb Rep <rep@sales.example>:\n\n> Hallo",
        "El lun, 23 nov 2026 a las 9:00, Rep (<rep@sales.example>) escribió:\n\n> Hola",
        "Le lun. 23 nov. 2026 à 09:00, Rep <rep@sales.example> a écrit :\n\n> Bonjour",
        "Em seg., 23 de nov. de 2026 às 09:00, Rep <rep@sales.example>\nescreveu:\n\n> Olá",
        "Il giorno lun 23 nov 2026 alle ore 09:00 Rep <rep@sales.example> ha\nscritto:\n\n> Ciao",
        "Op ma 23 nov 2026 om 09:00 schreef Rep <rep@sales.example>:\n\n> Hallo",
        "Den mån 23 nov. 2026 kl 09:00 skrev Rep <rep@sales.example>:\n\n> Hej",
        "man. 23. nov. 2026 kl. 09.00 skrev Rep <rep@sales.example>:\n\n> Hei",
        "ma 23. marrask. 2026 klo 9.00 Rep (rep@sales.example) kirjoitti:\n\n> Hei",
        "pon., 23 lis 2026 o 09:00 Rep <rep@sales.example> napisał(a):\n\n> Cześć",
        "po 23. 11. 2026 v 9:00 odesílatel Rep <rep@sales.example> napsal:\n\n> Ahoj",
        "Rep <rep@sales.example>, 23 Kas 2026 Pzt, 09:00 tarihinde şunu yazdı:\n\n> Merhaba",
        "пн, 23 нояб. 2026 г. в 09:00, Rep <rep@sales.example>:\n\n> Привет",
        "2026年11月23日(月) 9:00 Rep <rep@sales.example>:\n\n> こんにちは",
        "Rep <rep@sales.example> 于2026年11月23日周一 09:00写道：\n\n> 你好",
        "2026년 11월 23일 (월) 오전 9:00, Rep <rep@sales.example>님이 작성:\n\n> 안녕",
        // Apple Mail, Thunderbird, mutt.
        "> On 23 Nov 2026, at 09:00, Rep <rep@sales.example> wrote:\n> \n> Hello",
        "On 23.11.26 09:00, Rep wrote:\n> Hello",
        "Rep wrote on 23/11/2026 09:00:\n> Hello",
        "* Rep <rep@sales.example> [2026-11-23 09:00]:\n> Hello",
        // Outlook, whose quotes bear no marks.
        "From: Rep <rep@sales.example>\nSent: Monday, November 23, 2026 9:00 AM\nTo: Flynn <flynn@encom.example>\nSubject: Arcade\n\nHello\nTuesday?",
        "________________________________\nFrom: Rep <rep@sales.example>\nSent: Monday, November 23, 2026 9:00 AM\nTo: Flynn\nSubject: Arcade\n\nHello",
        "Von: Rep <rep@sales.example>\nGesendet: Montag, 23. November 2026 09:00\nAn: Flynn\nBetreff: Arcade\n\nHallo",
        "De : Rep <rep@sales.example>\nEnvoyé : lundi 23 novembre 2026 09:00\nÀ : Flynn\nObjet : Arcade\n\nBonjour",
        "*De:* Rep <rep@sales.example>\n*Enviado el:* lunes, 23 de noviembre de 2026 9:00\n*Para:* Flynn\n*Asunto:* Arcade\n\nHola",
        "差出人: Rep <rep@sales.example>\n送信日時: 2026年11月23日 9:00\n宛先: Flynn\n件名: Arcade\n\nこんにちは",
        "发件人: Rep <rep@sales.example>\n发送时间: 2026年11月23日 9:00\n收件人: Flynn\n主题: Arcade\n\n你好",
        "보낸 사람: Rep <rep@sales.example>\n보낸 날짜: 2026년 11월 23일 9:00\n받는 사람: Flynn\n제목: Arcade\n\n안녕",
        "-----Original Message-----\nFrom: Rep <rep@sales.example>\nSent: Monday, November 23, 2026 9:00 AM\nTo: Flynn\nSubject: Arcade\n\nHello",
        "-----Ursprüngliche Nachricht-----\nVon: Rep\nGesendet: Montag\nAn: Flynn\nBetreff: Arcade\n\nHallo",
        "-------- Original message --------\nFrom: Rep <rep@sales.example>\nDate: 11/23/26 9:00 AM (GMT+01:00)\nTo: Flynn\nSubject: Arcade\n\nHello",
        "------------------ 原始邮件 ------------------\n发件人: \"Rep\" <rep@sales.example>;\n发送时间: 2026年11月23日(星期一) 上午9:00\n收件人: \"Flynn\";\n主题: Arcade\n\n你好",
        // Forwards: the comment stays.
        "---------- Forwarded message ---------\nFrom: Rep <rep@sales.example>\nDate: Mon, Nov 23, 2026 at 9:00 AM\nSubject: Arcade\nTo: Flynn\n\nHello",
        "Begin forwarded message:\n\nFrom: Rep <rep@sales.example>\nSubject: Arcade\nDate: 23 November 2026 at 09:00:00 CET\nTo: Flynn\n\nHello",
        "Anfang der weitergeleiteten Nachricht:\n\nVon: Rep <rep@sales.example>\nBetreff: Arcade\nDatum: 23. November 2026 um 09:00:00 MEZ\nAn: Flynn\n\nHallo",
        "----- Forwarded by Flynn/Encom on 23.11.2026 09:00 -----\n\nFrom: Rep\nTo: Flynn\nDate: 23.11.2026 08:00\nSubject: Arcade\n\nHello",
        // GroupWise, Yahoo, Hotmail, helpdesks.
        ">>> Rep <rep@sales.example> 11/23/2026 9:00 AM >>>\nHello\nTuesday?",
        "On Monday, November 23, 2026, 09:00:00 AM GMT+1, Rep <rep@sales.example> wrote:\n\nHello\nTuesday?",
        "> From: rep@sales.example\n> To: flynn@encom.example\n> Subject: Arcade\n> Date: Mon, 23 Nov 2026 09:00:00 +0000\n>\n> Hello",
        "##- Please type your reply above this line -##\n\nYour request (12) was updated.",
        // Nothing below but signatures and footers.
        "-- \nKevin Flynn\nFlynn's Arcade",
        "--\nKevin Flynn",
        "Best regards,\nKevin Flynn\nCEO | Flynn's Arcade\n+1 555 010 99 88",
        "Kind regards, Kevin",
        "Mit freundlichen Grüßen\n\nKevin Flynn\nGeschäftsführer",
        "Cordialement,\nKevin",
        "Un saludo,\nKevin",
        "Atenciosamente,\nKevin Flynn",
        "Cordiali saluti\nKevin Flynn",
        "Met vriendelijke groet,\n\nKevin Flynn",
        "Med vänlig hälsning\nKevin",
        "Med venlig hilsen\nKevin",
        "Ystävällisin terveisin\nKevin",
        "Pozdrawiam,\nKevin",
        "S pozdravem\nKevin",
        "Saygılarımla,\nKevin",
        "С уважением,\nКевин Флинн",
        "此致\n敬礼\n凯文",
        "-Kevin",
        "Sent from my iPhone",
        "Sent from my iPhone\n\nOn Nov 23, 2026, at 09:00, Rep <rep@sales.example> wrote:\n\n> Hello",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem iPhone gesendet",
        "Gesendet von Outlook für Android<https://aka.ms/x>",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Skickat från min iPhone",
        "Sendt fra min iPhone",
        "Lähetetty iPhonesta",
        "Wysłane z iPhone'a",
        "Odesláno z iPhonu",
        "iPhone'umdan gönderildi",
        "Отправлено с iPhone",
        "iPhoneから送信",
        "发自我的 iPhone",
        "나의 iPhone에서 보냄",
        "Kevin Flynn\nCEO, Flynn's Arcade\nTel. +1 555 010 99 88\nwww.flynn.example",
        "This email and any attachments are confidential and intended solely for the addressee. If you are not the intended recipient, delete it.",
        "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, löschen Sie sie bitte.",
        "Ce message et toutes les pièces jointes sont confidentiels et établis à l'intention exclusive de ses destinataires.",
        "Best regards,\nKevin Flynn\n\nCONFIDENTIALITY NOTICE: The contents of this email message are intended solely for the addressee.\nSave a tree. Don't print this.",
        "_______________________________________________\narcade mailing list\narcade@lists.example\nhttps://lists.example/arcade",
    ];
    let mut wrong = Vec::new();
    for tail in below {
        for ending in ["\n", "\r\n"] {
            let body = format!("{answer}\n\n{tail}\n").replace('\n', ending);
            let got = plain(&body);
            if got != answer {
                wrong.push(format!("{tail}\n=> {got}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_the_author_wrote_stays() {
    for text in [
        "On Tuesday I can't, but on Wednesday: yes.",
        "From: Berlin\nTo: Munich\nDate: 5 December",
        "Sent from my desk, this took five minutes.",
        "Thanks,\nKevin",
        "Two points:\n\n- price\n- date",
        "I said to Alan: best regards are not enough.",
        "The regards\nof the team count.",
        "1 -- one\n2 -- two",
        "See https://flynn.example/wrote:x for more:\n\nit is there.",
        "He wrote:\n\nthe end.",
        "Call me at +1 555 010 99 88.",
        "Hello",
        "好的，周二可以。",
        "はい、火曜日で大丈夫です。",
        "שלום, יום שלישי מתאים.",
        "مرحبا، الثلاثاء مناسب.",
        "This message is about confidentiality in general: shall we sign an NDA?",
    ] {
        assert_eq!(plain(text), text);
    }
}

#[test]
fn answers_between_quotes_stay_in_order() {
    let body = "On Mon, Nov 23, 2026 at 9:00 AM Rep <rep@sales.example> wrote:\n> What does it cost?\n\nTen dollars.\n\n> When?\nTuesday.\n> Where do we meet, given that the arcade is closed for renovation and\nnobody has the key?\n> \n\nAt Tron's.\n\n-- \nKevin";
    assert_eq!(plain(body), "Ten dollars.\n\nTuesday.\n\nAt Tron's.");
    let html = "<p>Hi,</p><blockquote type=\"cite\">What does it cost?</blockquote><p>Ten dollars.</p><blockquote type=\"cite\">When?</blockquote><p>Tuesday.</p>";
    assert_eq!(from_html(html), "Hi,\n\nTen dollars.\n\nTuesday.");
}

#[test]
fn an_answer_below_an_attribution_without_its_quote_stays() {
    let body = "On Wed, Apr 20, 2026 at 01:17 PM, Rep wrote:\nTuesday works.\n\n> Or Wednesday?\n\nThat too.";
    assert_eq!(plain(body), "Tuesday works.\n\nThat too.");
}

#[test]
fn a_lists_footer_in_a_part_of_its_own_goes() {
    assert_eq!(plain("_____________________\narcade mailing list\nhttps://lists.example/arcade"), "");
}

#[test]
fn a_postscript_below_the_signature_stays() {
    assert_eq!(plain("Yes.\n\nBest regards,\nKevin\n\nPS: bring quarters."), "Yes.\n\nPS: bring quarters.");
}

#[test]
fn gateways_banners_go() {
    assert_eq!(
        plain(
            "CAUTION: This email originated from outside of the organization. Do not click links or open attachments unless you recognize the sender.\n\nYes, Tuesday."
        ),
        "Yes, Tuesday."
    );
    assert_eq!(
        from_html(
            "<table><tr><td>You don't often get email from flynn@encom.example. <a href='x'>Learn why this is important</a></td></tr></table><div>Yes, Tuesday.</div>"
        ),
        "Yes, Tuesday."
    );
}

#[test]
fn clear_signed_text_loses_its_armour() {
    assert_eq!(
        plain(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nYes.\n-----BEGIN PGP SIGNATURE-----\n\niQIz\n-----END PGP SIGNATURE-----\n"
        ),
        "Yes."
    );
}

/// The markup of web mailers and programs around the answer "Yes, Tuesday."
#[test]
fn quotes_and_signatures_in_markup_go() {
    let rows = [
        // Gmail.
        "<div dir=\"ltr\">Yes, Tuesday.<div><br></div>-- <br><div dir=\"ltr\" class=\"gmail_signature\">Kevin</div></div><br><div class=\"gmail_quote gmail_quote_container\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Nov 23, 2026 at 9:00 AM Rep &lt;<a href=\"mailto:rep@sales.example\">rep@sales.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex\">Tuesday?</blockquote></div>",
        // Outlook on the web, and the desktop's.
        "<div style=\"font-family:Calibri\">Yes, Tuesday.</div><div id=\"Signature\"><div>Kevin</div></div><div id=\"appendonsend\"></div><hr style=\"display:inline-block;width:98%\"><div id=\"divRplyFwdMsg\"><b>From:</b> Rep</div><div>Tuesday?</div>",
        "<div class=WordSection1><p class=MsoNormal>Yes, Tuesday.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'><p class=MsoNormal><b>From:</b> Rep &lt;rep@sales.example&gt; <br><b>Sent:</b> Monday, November 23, 2026 9:00 AM<br><b>To:</b> Flynn<br><b>Subject:</b> Arcade<o:p></o:p></p></div><p class=MsoNormal>Tuesday?</p></div>",
        // Outlook for phones.
        "<div>Yes, Tuesday.</div><div id=\"ms-outlook-mobile-signature\">Get <a href=\"https://aka.ms/o0ukef\">Outlook for iOS</a></div><hr><div id=\"divRplyFwdMsg\">From: Rep</div>",
        // Apple Mail.
        "<html><body>Yes, Tuesday.<br id=\"lineBreakAtBeginningOfMessage\"><div><br><blockquote type=\"cite\"><div>On 23 Nov 2026, at 09:00, Rep &lt;rep@sales.example&gt; wrote:</div><br><div>Tuesday?</div></blockquote></div></body></html>",
        "Yes, Tuesday.<br><br><div dir=\"ltr\">Sent from my iPhone</div><div dir=\"ltr\"><br><blockquote type=\"cite\">On Nov 23, 2026, at 9:00 AM, Rep &lt;rep@sales.example&gt; wrote:<br><br></blockquote></div><blockquote type=\"cite\">Tuesday?</blockquote>",
        // Thunderbird.
        "<p>Yes, Tuesday.</p><div class=\"moz-cite-prefix\">On 23.11.26 09:00, Rep wrote:<br></div><blockquote type=\"cite\" cite=\"mid:x@y\">Tuesday?</blockquote><div class=\"moz-signature\">-- <br>Kevin</div>",
        // Yahoo, AOL, Proton, Zoho, Zimbra, Fastmail, Mail.ru, QQ, NetEase, Tuta.
        "<div>Yes, Tuesday.</div><div id=\"ydp1yahoo_quoted_2\" class=\"yahoo_quoted\"><div>On Monday, November 23, 2026, Rep wrote:</div>Tuesday?</div>",
        "<font>Yes, Tuesday.<br><br><div>-----Original Message-----<br>From: rep@sales.example<br>To: flynn@encom.example<br>Sent: Mon, Nov 23, 2026 9:00 am<br>Subject: Arcade<br><br>Tuesday?</div></font>",
        "<div>Yes, Tuesday.</div><div class=\"protonmail_signature_block\">Kevin</div><div class=\"protonmail_quote\">On Monday, Rep wrote:<blockquote>Tuesday?</blockquote></div>",
        "<div>Yes, Tuesday.</div><div class=\"zmail_extra\">---- On Mon, 23 Nov 2026 <b>Rep</b> wrote ----<blockquote>Tuesday?</blockquote></div>",
        "<div>Yes, Tuesday.</div><hr id=\"zwchr\" data-marker=\"__DIVIDER__\"><div data-marker=\"__HEADERS__\"><b>From:</b> Rep</div><div data-marker=\"__QUOTED_TEXT__\">Tuesday?</div>",
        "<div>Yes, Tuesday.</div><div>On Mon, 23 Nov 2026, at 09:00, Rep wrote:</div><blockquote type=\"cite\" id=\"qt\">Tuesday?</blockquote>",
        "<p>Yes, Tuesday.</p>Понедельник, 23 ноября 2026, 9:00 +03:00 от Rep &lt;rep@sales.example&gt;:<br><blockquote style=\"border-left:1px solid #0857A6\">Tuesday?</blockquote>",
        "<div>Yes, Tuesday.</div><div style=\"font-size:12px\">------------------&nbsp;原始邮件&nbsp;------------------</div><div><b>发件人:</b>&nbsp;\"Rep\"&nbsp;&lt;rep@sales.example&gt;;</div><div><b>发送时间:</b>&nbsp;2026年11月23日</div><div><b>收件人:</b>&nbsp;\"Flynn\"</div><div><b>主题:</b>&nbsp;Arcade</div><div>Tuesday?</div>",
        "<div>Yes, Tuesday.</div><div id=\"isReplyContent\">At 2026-11-23 09:00:00, \"Rep\" &lt;rep@sales.example&gt; wrote:<blockquote>Tuesday?</blockquote></div>",
        "Yes, Tuesday.<br>-- <br>Kevin<br><br>23. Nov. 2026, 09:00 von rep@sales.example:<br><blockquote class=\"tutanota_quote\">Tuesday?</blockquote>",
        // Android, Samsung.
        "<div dir=\"auto\">Yes, Tuesday.</div><div style=\"font-size:100%;color:#000000\"><!-- originalMessage --><div>-------- Original message --------</div><div>From: Rep &lt;rep@sales.example&gt; </div><div>Date: 11/23/26  9:00 AM  (GMT+01:00) </div><div>To: Flynn </div><div>Subject: Arcade </div></div>Tuesday?",
        // Nested tables, right to left, hidden preheaders.
        "<table><tr><td><table><tr><td><p>Yes, Tuesday.</p></td></tr></table></td></tr></table><blockquote>Tuesday?</blockquote>",
        "<div style=\"display:none;max-height:0\">preview</div><div dir=\"rtl\">Yes, Tuesday.</div><style>.x{}</style>",
    ];
    let wrong: Vec<String> = rows
        .iter()
        .map(|html| (html, from_html(html)))
        .filter(|(_, got)| got != "Yes, Tuesday.")
        .map(|(html, got)| format!("{html}\n=> {got}\n"))
        .collect();
    assert!(wrong.is_empty(), "{} pages:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn whole_messages_and_prefixes_cut_anywhere_give_text() {
    let raw = concat!(
        "From: Flynn <flynn@encom.example>\r\nTo: rep@sales.example\r\nSubject: Re: Arcade\r\nMIME-Version: 1.0\r\n",
        "Content-Type: multipart/alternative; boundary=b1\r\n\r\n",
        "--b1\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        "Gr=C3=BC=C3=9Fe, Tuesday =\r\n\r\nworks.\r\n\r\n> Tuesday?\r\n",
        "--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>other</p>\r\n--b1--\r\n"
    );
    assert_eq!(newly_written(raw.as_bytes()), "Grüße, Tuesday works.");
    for end in 0..raw.len() {
        let _ = newly_written(&raw.as_bytes()[..end]);
    }
    let html_only = "Subject: x\r\nContent-Type: text/html\r\n\r\n<p>Yes.</p><blockquote>no</blockquote>";
    assert_eq!(newly_written(html_only.as_bytes()), "Yes.");
    let attached = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee attached.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nInner.\r\n--b--\r\n";
    assert_eq!(newly_written(attached.as_bytes()), "See attached.");
    assert_eq!(newly_written(b""), "");
}

#[test]
fn huge_and_hostile_bodies_take_linear_time() {
    let started = std::time::Instant::now();
    let bodies = [
        "x: ".repeat(100_000),
        "From: a@b\n".repeat(50_000),
        ">\n".repeat(200_000),
        "On 5 Dec 2026:\n".repeat(50_000),
        "Best regards,\n".repeat(50_000),
        "Sent from my x\n\n".repeat(50_000),
        "--\n".repeat(100_000),
        "\n".repeat(500_000),
        "a".repeat(3_000_000),
        "+1 555 010 99 88\n\nKevin\n".repeat(20_000),
        "<blockquote>".repeat(100_000),
        "<div class=\"".to_owned() + &"a ".repeat(500_000) + "\">x",
        "<".repeat(300_000),
        "&".repeat(300_000),
        "<!--".repeat(100_000),
        "<style>".repeat(100_000),
        "<table><tr><td>".repeat(50_000),
        "</div>".repeat(300_000),
        "<a ".to_owned() + &"b=\"c\" ".repeat(200_000),
    ];
    for body in &bodies {
        assert!(plain(body).len() <= body.len());
        assert!(from_html(body).len() <= body.len());
        let _ = from_plain(body, Flowed::DelSp);
    }
    // Unoptimised, on a busy machine; quadratic work would take minutes.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn body() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,40}",
            Just("> quoted".to_owned()),
            Just("On Mon, 23 Nov 2026 09:00, Rep <rep@sales.example> wrote:".to_owned()),
            Just("From: Rep <rep@sales.example>".to_owned()),
            Just("Sent: Monday, 23 November 2026 09:00".to_owned()),
            Just("Subject: x".to_owned()),
            Just("-- ".to_owned()),
            Just("____".to_owned()),
            Just("Best regards,".to_owned()),
            Just("Kevin Flynn".to_owned()),
            Just("+1 555 010 99 88".to_owned()),
            Just("Sent from my iPhone".to_owned()),
            Just("This email and any attachments are confidential and so on and on.".to_owned()),
            Just(String::new()),
            Just("Yes, this works for us on Tuesday.".to_owned()),
        ];
        prop::collection::vec(piece, 0..14).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #[test]
        fn the_text_is_never_longer_than_the_body_and_stays_what_it_is(body in body()) {
            let once = plain(&body);
            prop_assert!(once.len() <= body.len());
            prop_assert_eq!(plain(&once), once);
        }

        #[test]
        fn no_bytes_panic(raw in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = newly_written(&raw);
            let text = String::from_utf8_lossy(&raw);
            let _ = plain(&text);
            let _ = from_html(&text);
        }

        #[test]
        fn no_markup_panics_or_grows(html in "(<|>|/|\"|'|=|&|;|#|!|-| |\n|div|p|blockquote|br|td|style|a|class|gmail_quote|\\PC){0,120}") {
            prop_assert!(from_html(&html).len() <= html.len());
        }
    }
}
