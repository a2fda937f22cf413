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
look-in-report = レポートフォルダーの report.html にある警告（{ $warnings } 件）を確認してください。
todo-partial = { $total } 件中 { $failed } 件のファイルに対応が必要です。ほかに書き出せたものは用意できています。
nothing-exported = 何も書き出されませんでした。
nothing-because = 何も書き出されませんでした：{ $cause }。
step = 対処：{ $step }
see-report = それぞれの問題は、レポートフォルダーの report.html に書かれています。
correct-below = 下に挙げた問題を直してください。
drop-again = その後、マニフェストをもう一度投入してください。
copy-retry = { $files ->
    [1] その後、レポートフォルダーの retry-failed.toml を投入フォルダーにコピーしてください。このファイルだけをもう一度書き出します。名前や設定に誤りがあった場合は、先に retry-failed.toml を直してください。
   *[other] その後、レポートフォルダーの retry-failed.toml を投入フォルダーにコピーしてください。これら { $files } 件のファイルだけをもう一度書き出します。名前や設定に誤りがあった場合は、先に retry-failed.toml を直してください。
}
show-operator = exportd の管理者でない場合は、このメッセージを管理者に転送してください。
refused-many = { $name } に { $mistakes } か所の誤りがあるため、何も書き出されませんでした。誤りはすべて下に示しています。直してから、ファイルをもう一度投入してください。
refused-one = { $name } に誤りがあるため、何も書き出されませんでした。下に示した誤りを直し、ファイルをもう一度投入してください。
refused-in = { $name } に誤りがあるため（{ $cause }）、何も書き出されませんでした。直してから、ファイルをもう一度投入してください。
stopped-after = この書き出しは、{ $total } 件中 { $done } 件が終わったところで停止されました。
stopped-rest = 残りの { $rest } 件が必要な場合は、マニフェストをもう一度投入してください。
stopped-kept = 完了した分は保持されていますが、まだ渡されていません。残りの続行（exportd resume { $run }）または破棄（exportd delete { $run }）を exportd の管理者に依頼してください。
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
more-in-report = ほか { $more } 件（report.html を参照）
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
fact-as-of = 最終更新
failed-in = { $run } で失敗したもの
seconds = { $seconds } 秒
minutes = { $minutes } 分 { $seconds } 秒
hours = { $hours } 時間 { $minutes } 分
bytes = { $bytes } バイト

label-error = エラー
label-warning = 警告
label-help = ヒント

not-taken = { $name } は受け付けられませんでした。
note-goes = このメモは、受け付け可能な { $name } が投入されると自動的に消えます。

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
page-no-original = 元の画像は表示なし
page-as-it-is = そのままコピー
page-not-shown = 表示なし
page-not-exported = 書き出しなし
page-recipe = レシピ
page-originals = 元のファイルそのまま（1 バイトも変えません）。
page-nothing-own = カタログと設定のとおり。マニフェストに独自の指定はありません。
page-holds = 有効な指定
page-said-by = 指定元
page-files = すべてのファイル
page-asset = 素材
page-exported-as = 書き出し名
link-sums = コピーが完全であることの確認用
link-programs = プログラム用
link-spreadsheets = 表計算ソフト用
link-retry = 失敗したものの再書き出し用
link-dropped = 投入時の内容

log-began = 実行 { $run } を開始しました
log-finding = { $line } 行目 { $column } 桁目：{ $message }
log-step = { $cause }。{ $step }
log-exported = 書き出しました
log-identical = 同じ内容がすでにあるため、書き込みませんでした
log-replaced = 既存のものを置き換えました
log-cancelled = 実行が停止されたため、処理していません
