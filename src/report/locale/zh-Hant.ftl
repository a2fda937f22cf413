# 正體中文（臺灣用語）。原因與步驟句末不加句號。

outcome-clean = 已完成，{ $files } 個檔案
outcome-warnings = 已完成，{ $files } 個檔案，{ $warnings } 則警告
outcome-partial = { $total } 個檔案中有 { $failed } 個需要您處理
outcome-failed = 未匯出（{ $failed } 個檔案全部失敗）
outcome-nothing = 未匯出（{ $cause }）
outcome-stopped = 已停止，{ $total } 個檔案中已完成 { $done } 個

todo-clean = 無須處理：{ $files } 個檔案已就緒。
files-ready = { $files } 個檔案已就緒。
look-below = 請查看下方的 { $warnings } 則警告。
look-in-report = 請查看報告資料夾中 report.html 內的 { $warnings } 則警告。
todo-partial = { $total } 個檔案中有 { $failed } 個需要您處理，其他可匯出的檔案已就緒。
nothing-exported = 沒有匯出任何檔案。
nothing-because = 沒有匯出任何檔案：{ $cause }。
step = 處理方式：{ $step }
see-report = 報告資料夾中的 report.html 說明了各檔案的問題。
correct-below = 請修正下方列出的問題。
drop-again = 接著請重新投放工單檔。
copy-retry = { $files ->
    [1] 接著請將報告資料夾中的 retry-failed.toml 複製到投放資料夾，即可只針對這個檔案再次匯出。若名稱或設定有誤，請先在 retry-failed.toml 中修正。
   *[other] 接著請將報告資料夾中的 retry-failed.toml 複製到投放資料夾，即可只針對這 { $files } 個檔案再次匯出。若名稱或設定有誤，請先在 retry-failed.toml 中修正。
}
show-operator = 若您不負責 exportd，請將此訊息交給負責的人員。
refused-many = 沒有匯出任何檔案，因為 { $name } 有 { $mistakes } 個錯誤。請依下方所示全部修正後，重新投放該檔案。
refused-one = 沒有匯出任何檔案，因為 { $name } 有一個錯誤。請依下方所示修正後，重新投放該檔案。
refused-in = 沒有匯出任何檔案，因為 { $name } 有誤（{ $cause }）。請修正後重新投放該檔案。
stopped-after = 這次匯出在完成 { $total } 個檔案中的 { $done } 個之後被人停止。
stopped-rest = 若要取得其餘 { $rest } 個檔案，請重新投放工單檔。
stopped-kept = 已完成的部分會保留，但尚未交付。請負責 exportd 的人員繼續其餘部分（exportd resume { $run }）或全部捨棄（exportd delete { $run }）。
todo-running = 目前無須處理：已完成 { $done } 個檔案。

why-unread = 您會收到此郵件，是因為無法從 { $name } 讀出是否需要寄送郵件（emailSetting）。
why-all = 您會收到此郵件，是因為 { $name } 中設定了 emailSetting = "All"：每次執行後都寄送郵件。若要減少郵件，請改為 "ErrorAndWarning"、"Error" 或 "None"。
why-completion = 您會收到此郵件，是因為 { $name } 中設定了 emailSetting = "JobCompletion"：每次執行後寄送簡短郵件。改為 "All" 可列出失敗與警告，改為 "None" 則不寄送郵件。
why-error-and-warning = 您會收到此郵件，是因為 { $name } 中設定了 emailSetting = "ErrorAndWarning"：有失敗或警告時寄送郵件。若要減少郵件，請改為 "Error" 或 "None"；若要增加，請改為 "All"。
why-error = 您會收到此郵件，是因為 { $name } 中設定了 emailSetting = "Error"：有失敗時寄送郵件。若不要郵件，請改為 "None"；若要增加，請改為 "ErrorAndWarning" 或 "All"。
why-none = 您會收到此郵件，是因為 { $name } 中設定了 emailSetting = "None"：不寄送郵件。
why-user = 此郵件寄給您，是因為檔案中指定了 userHandle "{ $user }"。
why-owner = 此郵件寄給您，是因為檔案由您投放，或由您負責匯出作業。

result = 結果
failed = 失敗
warnings = 警告
where = 位置
counted = { $what }（{ $total }）
more = 以及另外 { $more } 項
more-in-report = 以及另外 { $more } 項，請見 report.html
more-in-table = 以及另外 { $more } 項，請見下方表格
finding-place = { $file }，第 { $line } 行
left-out = 已略過：{ $reason }

count-listed = 列出
count-exported = 已匯出
count-identical = 其中已存在且相同
count-replaced = 其中取代既有檔案
count-failed = 失敗
count-left-out = 已略過，請見警告
count-cancelled = 因停止而未處理
count-warnings = 警告
count-done = 已完成
count-left-out-so-far = 已略過

place-files = 檔案
place-report = 報告
place-windows = Windows
fact-about = 說明
fact-run = 執行
fact-took = 耗時
fact-again = 重試
fact-began = 開始
fact-as-of = 截至
failed-in = { $run } 中失敗的項目
seconds = { $seconds } 秒
minutes = { $minutes } 分 { $seconds } 秒
hours = { $hours } 小時 { $minutes } 分
bytes = { $bytes } 位元組

label-error = 錯誤
label-warning = 警告
label-help = 提示

not-taken = { $name } 未被受理。
note-goes = 一旦投放可受理的 { $name }，此說明檔便會自動消失。

word-exported = 已匯出
word-replaced = 已取代
word-there = 已存在
word-left-out = 已略過
word-failed = 失敗
word-not-done = 未處理

handed-in = { $name }（原始檔案）
as-exported = { $name }（匯出結果）

state-new = 即將開始
state-running = 執行中
state-stopping = 正在停止
state-waiting = 等待中
state-waiting-assets = 等待尚未到位的檔案
state-waiting-space = 等待磁碟空間
state-over = 已完成
state-interrupted = 已中斷，待 exportd 再次執行
state-paused = 已暫停，等待有人繼續
page-done = 目前進度
page-progress = 已完成 { $percent }%。本頁每 { $seconds } 秒更新一次。
page-correct = 需要更正
page-needs-you = 需要您處理
page-look = 需要留意
page-sheet = 縮圖一覽
page-sheet-about = 灰底為原始檔案，白底為匯出結果；透明部分兩者皆顯示。
page-original = 原始檔案
page-result = 匯出結果
page-no-original = 未顯示原始檔案
page-as-it-is = 原樣複製
page-not-shown = 未顯示
page-not-exported = 未匯出
page-recipe = 匯出設定
page-originals = 原始檔案，逐位元組相同。
page-nothing-own = 依型錄與設定檔處理；工單檔未另作要求。
page-holds = 實際生效
page-said-by = 來源
page-files = 所有檔案
page-asset = 素材
page-exported-as = 匯出為
link-sums = 用來確認複本是否完整
link-programs = 供程式使用
link-spreadsheets = 供試算表使用
link-retry = 用來重新匯出失敗的項目
link-dropped = 投放時的內容

log-began = 執行 { $run } 已開始
log-finding = 第 { $line } 行第 { $column } 欄：{ $message }
log-step = { $cause }；{ $step }
log-exported = 已匯出
log-identical = 已存在且相同，未再寫入
log-replaced = 已取代既有檔案
log-cancelled = 因執行被停止而未處理
