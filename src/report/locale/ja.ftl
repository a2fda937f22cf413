# 日本語。です・ます調。原因と対処は句点なし（単独で使うときに付く）。

outcome-clean = 完了、{ $files } 件
outcome-warnings = 完了、{ $files } 件、警告 { $warnings } 件
outcome-partial = { $total } 件中 { $failed } 件に対応が必要です
outcome-failed = 書き出せませんでした（{ $failed } 件すべて失敗）
outcome-nothing = 書き出せませんでした（{ $cause }）
outcome-stopped = 停止、{ $total } 件中 { $done } 件完了

todo-clean = 対応は不要です。{ $files } 件のファイルを用意しました。
files-ready = { $files } 件のファイルを用意しました。
look-below = 下の警告（{ $warnings } 件）を確認してください。
look-in-report = レポートフォルダーの report.json にある警告（{ $warnings } 件）を確認してください。
todo-partial = { $total } 件中 { $failed } 件のファイルに対応が必要です。残りは用意できています。
nothing-exported = 何も書き出されませんでした。
nothing-because = 何も書き出されませんでした：{ $cause }。
step = 対処：{ $step }
see-report = それぞれの問題は、レポートフォルダーの report.json に書かれています。
correct-below = 下に挙げた問題を直してください。
drop-again = その後、マニフェストをもう一度投入してください。
copy-retry = { $files ->
    [1] その後、レポートフォルダーの retry-failed.toml を投入フォルダーにコピーしてください。このファイルだけをもう一度書き出します。
   *[other] その後、レポートフォルダーの retry-failed.toml を投入フォルダーにコピーしてください。これら { $files } 件のファイルだけをもう一度書き出します。
}
show-operator = ご自身で対処できない場合は、exportd の管理者にこのメッセージを見せてください。
refused-many = { $name } に { $mistakes } か所の誤りがあるため、何も書き出されませんでした。下にすべて示した誤りを直し、ファイルをもう一度投入してください。
refused-one = { $name } に誤りがあるため、何も書き出されませんでした。下に示した誤りを直し、ファイルをもう一度投入してください。
refused-in = { $name } に誤りがあるため（{ $cause }）、何も書き出されませんでした。直してから、ファイルをもう一度投入してください。
stopped-after = この書き出しは、{ $total } 件中 { $done } 件が終わったところで停止されました。
stopped-rest = 残りの { $rest } 件が必要な場合は、マニフェストをもう一度投入してください。
stopped-kept = 完了した分は保持されていますが、まだ公開されていません。「exportd resume { $run }」で残りを続行し、「exportd delete { $run }」で破棄します。
todo-running = まだ対応は不要です。{ $done } 件が完了しました。

why-unread = { $name } を十分に読み取れず、メールが必要かどうか（emailSetting）が分からなかったため、このメールをお送りしています。
why-all = { $name } に emailSetting = "All"（実行のたびにメール）と書かれているため、このメールをお送りしています。メールを減らすには "ErrorAndWarning"、"Error"、"None" のいずれかにしてください。
why-completion = { $name } に emailSetting = "JobCompletion"（実行のたびに短いメール）と書かれているため、このメールをお送りしています。失敗と警告の一覧が必要な場合は "All"、メールが不要な場合は "None" にしてください。
why-error-and-warning = { $name } に emailSetting = "ErrorAndWarning"（失敗または警告があるときにメール）と書かれているため、このメールをお送りしています。減らすには "Error" か "None"、増やすには "All" にしてください。
why-error = { $name } に emailSetting = "Error"（失敗があるときにメール）と書かれているため、このメールをお送りしています。不要な場合は "None"、増やすには "ErrorAndWarning" か "All" にしてください。
why-none = { $name } に emailSetting = "None"（メールなし）と書かれています。
why-user = ファイルに userHandle "{ $user }" と書かれているため、あなた宛てに届いています。
why-owner = ファイルを投入した方、または書き出しの管理者として、あなた宛てに届いています。

result = 結果
failed = 失敗
warnings = 警告
where = 場所
counted = { $what }（{ $total }）
more = ほか { $more } 件
more-in-report = ほか { $more } 件（report.json を参照）
more-in-table = ほか { $more } 件（下の表を参照）
finding-place = { $file }、{ $line } 行目
left-out = 対象外：{ $reason }

count-listed = 指定
count-exported = 書き出し済み
count-identical = うち既存で同一
count-replaced = うち既存を置き換え
count-failed = 失敗
count-left-out = 対象外（警告を参照）
count-cancelled = 停止のため未処理
count-warnings = 警告
count-done = 完了
count-left-out-so-far = 対象外

place-files = ファイル
place-report = レポート
place-windows = Windows
fact-about = 内容
fact-run = 実行
fact-took = 所要時間
fact-again = 再試行
fact-began = 開始
fact-as-of = 現在
failed-in = { $run } で失敗したもの
seconds = { $seconds } 秒
minutes = { $minutes } 分 { $seconds } 秒
hours = { $hours } 時間 { $minutes } 分
bytes = { $bytes } バイト

not-taken = { $name } は受け付けられませんでした。
note-goes = このメモは、受け付け可能な { $name } が投入されると自動的に消えます。

cause-not-found = その名前のファイルやカタログ項目が素材フォルダーにありません
cause-nothing-matches = そのパターンに一致するものが素材フォルダーにありません
cause-ambiguous = その名前のファイルが複数あります：{ $files }
cause-outside = その名前は素材フォルダーの外を指しています
cause-not-a-file = ファイルではなく、{ $what }です
cause-unreadable = 書き出しサービスにはそのファイルを読む権限がありません
cause-keeps-changing = 読み取り中にファイルが変わり続けました
cause-mismatch = 名前からは「{ $named }」のはずですが、中身は「{ $found }」です
cause-damaged = 画像が壊れています：{ $detail }
cause-too-large = 画像が大きすぎます：{ $width } × { $height } ピクセル（上限：{ $limit }）
cause-unsupported = この種類の画像は読めません：{ $detail }
cause-page = { $page } ページ目：{ $cause }
cause-out-of-memory = 画像に必要なメモリーがワーカーの上限（{ $limit }）を超えています
cause-too-slow = 画像の処理に { $seconds } 秒より長くかかりました
cause-worker-died = 画像の処理中にワーカーが異常終了しました（{ $how }）
cause-collision = 出力 { $name } が { $others } の出力と重なります
cause-bad-name = 出力名 { $name } は使えません：{ $reason }
cause-exists = 出力先に内容の異なる { $name } がすでにあります
cause-disk-full = 出力フォルダーのディスクがいっぱいです
cause-blocked = 出力フォルダーを使用できません：{ $detail }
cause-not-writable = 出力を書き込めません：{ $detail }
cause-refused = { $line } 行目：{ $message }
cause-nothing-exportable = リストに書き出せるものがありません
cause-poison = { $attempts } 回試みてもジョブを完了できませんでした
cause-internal = 書き出しサービス自体に問題が発生しました：{ $detail }

thing-picture = { $format } 画像
thing-drawing = { $format } ベクター画像
thing-document = { $format } 文書
thing-any-picture = 画像
thing-folder = フォルダー
thing-pipe = 名前付きパイプ
thing-socket = ソケット
thing-device = デバイス
thing-socket-or-device = ソケットまたはデバイス
thing-else = 別のもの
thing-empty = 空のファイル
thing-zip = ZIP アーカイブ
thing-raw = カメラの RAW ファイル
thing-video = 動画
thing-icon = Windows アイコン
thing-text = テキスト
thing-zeroes = ゼロのバイトのみ
thing-web-page = ウェブページ
detail-denied = アクセスが拒否されました
detail-read-only = ディスクは読み取り専用です
detail-gone = フォルダーがなくなっています
detail-disk-errors = ディスクがエラーを報告しています

step-did-you-mean = 「{ $near }」のことですか？ 違う場合は、そこにファイルを置いてからもう一度試してください
step-put-there = ファイルを素材フォルダーに置くか、名前を直してください
step-pattern = パターンを直すか、そこにファイルを置いてください
step-extension = 拡張子を付けて名前を書いてください
step-below = 素材フォルダーからのパスでファイルを指定してください
step-name-a-file = ファイルを指定してください
step-right = サービスに読み取り権限を付けるよう、管理者に依頼してください
step-wait-complete = ファイルが完全になるまで待ってから、もう一度試してください
step-format = 名前どおりの形式で保存し直すか、中身に合わせて名前を変えてください
step-save-again = 画像編集ソフトで開いて保存し直し、もう一度試してください
step-reduce = 画像を小さくするか、上限の引き上げを依頼してください
step-other-format = TIFF、PNG、JPEG のいずれかで保存し、もう一度試してください
step-modifiers = 修飾子を直して、もう一度試してください
step-memory = 画像を小さくするか、ワーカーのメモリーを増やすよう管理者に依頼してください
step-probably-damaged = ファイルが壊れている可能性があります。画像編集ソフトで保存し直し、もう一度試してください
step-tell-apart = outputName で区別してください。例：{ $example }
step-output-name = outputName またはファイルの名前を変えてください
step-overwrite = overwrite = true にするか、別の出力先を選んでください
step-free-space = 出力ディスクの空きを増やしてから、もう一度試してください
step-output-folder = 出力フォルダーの確認を管理者に依頼してください
step-manifest = マニフェストを直して、もう一度投入してください
step-list-pictures = 画像などの単独のファイルを指定してください
step-tell-operator = 管理者に連絡してください。詳細はサービスのログにあります

word-exported = 書き出し済み
word-replaced = 置き換え
word-there = 既存
word-left-out = 対象外
word-failed = 失敗
word-not-done = 未処理

handed-in = { $name }（元のファイル）
as-exported = { $name }（書き出し結果）

state-new = まもなく開始
state-running = 実行中
state-stopping = 停止中
state-waiting = 待機中
state-waiting-assets = まだ届いていないファイルを待機中
state-waiting-space = ディスクの空きを待機中
state-over = 完了
state-interrupted = 中断（exportd の再開待ち）
state-paused = 一時停止中（再開待ち）
page-done = 進み具合
page-progress = { $percent }% 完了。このページは { $seconds } 秒ごとに更新されます。
page-correct = 直すところ
page-needs-you = 対応が必要なもの
page-look = 確認するもの
page-sheet = コンタクトシート
page-sheet-about = 灰色の上が元の画像、白の上が書き出した画像です。透明な部分には両方が見えます。
page-original = 元の画像
page-result = 書き出した画像
page-no-original = 元の画像なし
page-as-it-is = そのままコピー
page-not-shown = 表示なし
page-not-exported = 書き出しなし
page-recipe = レシピ
page-originals = 元のファイルを 1 バイトも変えずに。
page-nothing-own = カタログと設定のとおり。マニフェストに独自の指定はありません。
page-holds = 有効な指定
page-said-by = 指定元
page-files = すべてのファイル
page-asset = 素材
page-exported-as = 書き出し名
link-sums = コピーが完全であることの確認用
link-programs = プログラム用
link-spreadsheets = 表計算ソフト用
link-retry = 失敗したものをもう一度依頼
link-dropped = 投入されたまま

log-began = 実行 { $run } を開始しました
log-finding = { $line } 行目 { $column } 桁目：{ $message }
log-step = { $cause }。{ $step }
log-exported = 書き出しました
log-identical = 同じ内容がすでにあるため、書き込みませんでした
log-replaced = 既存のものを置き換えました
log-cancelled = 実行が停止されたため、処理していません
