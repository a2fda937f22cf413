# 简体中文（中国大陆用语）。原因与步骤句末不加句号。

outcome-clean = 已完成，{ $files } 个文件
outcome-warnings = 已完成，{ $files } 个文件，{ $warnings } 条警告
outcome-partial = { $total } 个文件中有 { $failed } 个需要您处理
outcome-failed = 未导出（{ $failed } 个文件全部失败）
outcome-nothing = 未导出（{ $cause }）
outcome-stopped = 已停止，{ $total } 个文件中已完成 { $done } 个

todo-clean = 无需处理：{ $files } 个文件已就绪。
files-ready = { $files } 个文件已就绪。
look-below = 请查看下方的 { $warnings } 条警告。
look-in-report = 请查看报告文件夹中 report.html 里的 { $warnings } 条警告。
todo-partial = { $total } 个文件中有 { $failed } 个需要您处理，其他可导出的文件已就绪。
nothing-exported = 没有导出任何文件。
nothing-because = 没有导出任何文件：{ $cause }。
step = 处理方法：{ $step }
see-report = 报告文件夹中的 report.html 说明了各个文件的问题。
correct-below = 请更正下方列出的问题。
drop-again = 然后请重新投放任务文件。
copy-retry = { $files ->
    [1] 然后请将报告文件夹中的 retry-failed.toml 复制到投放文件夹，即可仅对这个文件再次导出。如果名称或设置有误，请先在 retry-failed.toml 中更正。
   *[other] 然后请将报告文件夹中的 retry-failed.toml 复制到投放文件夹，即可仅对这 { $files } 个文件再次导出。如果名称或设置有误，请先在 retry-failed.toml 中更正。
}
show-operator = 如果您不负责 exportd，请将此消息转给负责的人员。
refused-many = 没有导出任何文件，因为 { $name } 有 { $mistakes } 处错误。请按下方所示全部更正后，重新投放该文件。
refused-one = 没有导出任何文件，因为 { $name } 有一处错误。请按下方所示更正后，重新投放该文件。
refused-in = 没有导出任何文件，因为 { $name } 有误（{ $cause }）。请更正后重新投放该文件。
stopped-after = 这次导出在完成 { $total } 个文件中的 { $done } 个之后被人停止。
stopped-rest = 要获取其余 { $rest } 个文件，请重新投放任务文件。
stopped-kept = 已完成的部分会保留，但尚未交付。请负责 exportd 的人员继续其余部分（exportd resume { $run }）或全部放弃（exportd delete { $run }）。
todo-running = 暂时无需处理：已完成 { $done } 个文件。

why-unread = 您收到此邮件，是因为无法从 { $name } 读出是否需要发送邮件（emailSetting）。
why-all = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "All"：每次运行后都发送邮件。要减少邮件，请改为 "ErrorAndWarning"、"Error" 或 "None"。
why-completion = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "JobCompletion"：每次运行后发送简短邮件。改为 "All" 可列出失败与警告，改为 "None" 则不发送邮件。
why-error-and-warning = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "ErrorAndWarning"：有失败或警告时发送邮件。要减少邮件，请改为 "Error" 或 "None"；要增加，请改为 "All"。
why-error = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "Error"：有失败时发送邮件。不需要邮件时，请改为 "None"；要增加，请改为 "ErrorAndWarning" 或 "All"。
why-none = 您收到此邮件，是因为 { $name } 中设置了 emailSetting = "None"：不发送邮件。
why-user = 此邮件发给您，是因为文件中指定了 userHandle "{ $user }"。
why-owner = 此邮件发给您，是因为文件由您投放，或由您负责导出工作。

result = 结果
failed = 失败
warnings = 警告
where = 位置
counted = { $what }（{ $total }）
more = 以及另外 { $more } 项
more-in-report = 以及另外 { $more } 项，请参见 report.html
more-in-table = 以及另外 { $more } 项，请参见下方表格
finding-place = { $file }，第 { $line } 行
left-out = 已略过：{ $reason }

count-listed = 列出
count-exported = 已导出
count-identical = 其中已存在且相同
count-replaced = 其中替换了原有文件
count-failed = 失败
count-left-out = 已略过，请参见警告
count-cancelled = 因停止而未处理
count-warnings = 警告
count-done = 已完成
count-left-out-so-far = 已略过

place-files = 文件
place-report = 报告
place-windows = Windows
fact-about = 说明
fact-run = 运行
fact-took = 用时
fact-again = 重试
fact-began = 开始
fact-as-of = 截至
failed-in = { $run } 中失败的项目
seconds = { $seconds } 秒
minutes = { $minutes } 分 { $seconds } 秒
hours = { $hours } 小时 { $minutes } 分
bytes = { $bytes } 字节

label-error = 错误
label-warning = 警告
label-help = 提示

not-taken = { $name } 未被受理。
note-goes = 一旦投放可受理的 { $name }，此说明文件便会自动消失。

word-exported = 已导出
word-replaced = 已替换
word-there = 已存在
word-left-out = 已略过
word-failed = 失败
word-not-done = 未处理

handed-in = { $name }（原始文件）
as-exported = { $name }（导出结果）

state-new = 即将开始
state-running = 运行中
state-stopping = 正在停止
state-waiting = 等待中
state-waiting-assets = 等待尚未到位的文件
state-waiting-space = 等待磁盘空间
state-over = 已完成
state-interrupted = 已中断，待 exportd 再次运行
state-paused = 已暂停，等待有人继续
page-done = 当前进度
page-progress = 已完成 { $percent }%。本页每 { $seconds } 秒刷新一次。
page-correct = 需要更正
page-needs-you = 需要您处理
page-look = 需要留意
page-sheet = 缩略图一览
page-sheet-about = 灰底为原始文件，白底为导出结果；透明部分两者都显示。
page-original = 原始文件
page-result = 导出结果
page-no-original = 未显示原始文件
page-as-it-is = 原样复制
page-not-shown = 未显示
page-not-exported = 未导出
page-recipe = 导出设置
page-originals = 原始文件，逐字节相同。
page-nothing-own = 按图像目录与配置处理；任务文件未另作要求。
page-holds = 实际生效
page-said-by = 来源
page-files = 所有文件
page-asset = 素材
page-exported-as = 导出为
link-sums = 用于确认副本是否完整
link-programs = 供程序使用
link-spreadsheets = 供电子表格使用
link-retry = 用于重新导出失败的项目
link-dropped = 投放时的内容

log-began = 运行 { $run } 已开始
log-finding = 第 { $line } 行第 { $column } 列：{ $message }
log-step = { $cause }；{ $step }
log-exported = 已导出
log-identical = 已存在且相同，未再写入
log-replaced = 已替换原有文件
log-cancelled = 因运行被停止而未处理
